import Table from 'cli-table3';
import { createLogUpdate } from 'log-update';
import type { ReadRecord } from '../reader/topics.ts';
import type { LogLine } from '../road/worker.ts';
import type { Stack } from '../stack/stack.ts';

/** What a person watches while the demo runs. */
export interface Screen {
  /** A line of a worker's log: polls fill the table, the rest is shown as news. */
  log(line: LogLine): void;
  /** A record that the reader has read. */
  read(record: ReadRecord): void;
  note(text: string): void;
  /** Leaves the last picture where it is. */
  close(): void;
}

export interface Scene {
  readonly kafka: Stack;
  readonly prefix: string;
  /** The simulator's address. */
  readonly account: string;
  /** Seconds the demo runs, or Infinity. */
  readonly until: number;
}

interface FeedRow {
  watermark: string;
  published: number;
  repeats: number;
  rejected: number;
}

const NEWS_MAX = 5;
const WARN = 40;

/** A table that refreshes in place on a terminal; elsewhere a line every five seconds. */
export function openScreen(scene: Scene): Screen {
  const terminal = process.stdout.isTTY;
  const update = createLogUpdate(process.stdout);
  const startedMs = Date.now();
  const feeds = new Map<string, FeedRow>();
  const samples = new Map<string, ReadRecord>();
  const news: string[] = [];
  let read = 0;

  const note = (text: string): void => {
    news.push(`${new Date().toISOString().slice(11, 19)} ${text}`);
    if (news.length > NEWS_MAX) news.shift();
    if (!terminal) console.log(news.at(-1));
  };
  const draw = (): void => {
    const elapsed = Math.round((Date.now() - startedMs) / 1_000);
    const time = scene.until === Infinity ? `${elapsed} s, Ctrl-C ends it` : `${elapsed} of ${scene.until} s`;
    const head = `8x8 Work -> Kafka   ${time}   read from Kafka: ${read} records`;
    if (!terminal) return console.log(`${head}, ${feeds.size} feeds, worst lag ${worstLag(feeds)} s`);
    update([head, feedTable(feeds), ...sampleLines(samples), ...news, '', lookFurther(scene)].join('\n'));
  };
  const timer = setInterval(draw, terminal ? 500 : 5_000);

  return {
    note,
    log(line) {
      if (line.msg === 'polled') addPoll(feeds, line);
      else if (line.msg.startsWith('shard') || Number(line['level']) >= WARN) note(describe(line));
    },
    read(record) {
      read += 1;
      samples.set(record.topic, record);
    },
    close() {
      clearInterval(timer);
      if (terminal) update.done();
    },
  };
}

function addPoll(feeds: Map<string, FeedRow>, line: LogLine): void {
  const name = String(line['feed']);
  const row = feeds.get(name) ?? { watermark: '', published: 0, repeats: 0, rejected: 0 };
  feeds.set(name, {
    watermark: String(line['watermark']),
    published: row.published + Number(line['published']),
    repeats: row.repeats + Number(line['repeats']),
    rejected: row.rejected + Number(line['rejected']),
  });
}

function feedTable(feeds: ReadonlyMap<string, FeedRow>): string {
  const head = ['feed', 'watermark', 'lag s', 'published', 'repeats dropped', 'rejected'];
  const table = new Table({ style: { head: [], border: [] }, head });
  for (const [name, row] of [...feeds].toSorted(([a], [b]) => a.localeCompare(b))) {
    table.push([name, row.watermark.slice(11, 19), lag(row), row.published, row.repeats, row.rejected]);
  }
  return table.toString();
}

function sampleLines(samples: ReadonlyMap<string, ReadRecord>): readonly string[] {
  return [...samples].toSorted(([a], [b]) => a.localeCompare(b)).map(([topic, { partition, offset, key, value }]) => {
    const { direction, callTime, caller, callee, reason } = value as Record<string, unknown>;
    const story = reason ?? `${direction} ${caller} -> ${callee}, ${Number(callTime) / 1_000} s`;
    return `${topic}[${partition}]@${offset}  ${key}  ${story}`.slice(0, 110);
  });
}

function describe({ msg, shard, shards, durationMs, code, seen }: LogLine): string {
  const detail = { shard, shards, durationMs, code, seen };
  return `${msg} ${JSON.stringify(detail)}`.slice(0, 200);
}

function worstLag(feeds: ReadonlyMap<string, FeedRow>): number {
  return Math.max(0, ...[...feeds.values()].map(lag));
}

function lag(row: FeedRow): number {
  return Math.round((Date.now() - Date.parse(row.watermark)) / 1_000);
}

function lookFurther({ kafka, prefix, account }: Scene): string {
  return [
    `Kafka ${kafka.brokers}   schema registry ${kafka.registryUrl}   simulator ${account}/simulator/stats`,
    `topics ${prefix}.call-legs, .call-records, .rejected, .offsets: any client reads them, isolation read_committed`,
  ].join('\n');
}
