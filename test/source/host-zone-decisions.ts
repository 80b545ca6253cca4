import { originMs } from '../../src/config.ts';
import { planWindow } from '../../src/feed/window.ts';
import { formats } from '../../src/formats.ts';
import { reportTime } from '../../src/source/work-analytics.ts';
import { callLegs } from '../../src/streams/call-legs.ts';
import { callRecords } from '../../src/streams/call-records.ts';
import { gapEvent } from '../../src/streams/rejected.ts';
import { documentedLegs, documentedRecords } from '../streams/documented.ts';
import { minutes, pace } from '../worker/parts.ts';

/** What a process has made of time, and the zone it ran in. */
export interface Answer {
  /** Of its own zone, in minutes: in January and in July. */
  readonly offsets: readonly number[];
  readonly decisions: Decisions;
}

export interface Decisions {
  /** The windows around each change of clocks, in their order. */
  readonly chains: readonly (readonly AskedWindow[])[];
  /** Where START_FROM lies, by its text. */
  readonly starts: Readonly<Record<string, number>>;
  readonly events: readonly unknown[];
}

/** A window as it was planned, and as it is asked for. */
export interface AskedWindow {
  readonly planned: readonly [from: number, to: number];
  readonly asked: readonly [startTime: string, endTime: string];
}

/** Clocks change here: in New York, St. John's, Casablanca, Dublin, on Lord Howe, on Chatham, and once in Apia. */
const CHANGES = [
  '2021-04-03T14:00:00Z', '2026-02-15T02:00:00Z', '2026-03-08T05:30:00Z', '2026-03-08T07:00:00Z',
  '2026-03-29T01:00:00Z', '2026-04-04T14:00:00Z', '2026-04-04T15:00:00Z', '2026-11-01T06:00:00Z',
].map((text) => Date.parse(text));

const STARTS = ['24h', '0s', '2026-03-08T02:30:00Z', '2026-03-29T01:30:00+00:00', '2026-04-05T01:45:00+10:30'];
const NOW = Date.parse('2026-11-01T06:30:00Z');

function windowsAround(changeMs: number): readonly AskedWindow[] {
  const windows: AskedWindow[] = [];
  let watermarkMs = changeMs - minutes(120);
  for (let nowMs = watermarkMs; nowMs < changeMs + minutes(120); nowMs += 433_210) {
    const plan = planWindow({ watermarkMs, seenFromMs: 0, sweptAtMs: nowMs }, pace, nowMs);
    if (plan.kind !== 'read') continue;
    const { from, to } = plan.window;
    windows.push({ planned: [from, to], asked: [reportTime(from), reportTime(to)] });
    watermarkMs = to;
  }
  return windows;
}

function startOf(text: string): number {
  formats.start.validate(text);
  return originMs(text, NOW);
}

const window = { from: NOW - minutes(60), to: NOW };
const context = { pbxId: 'supertenantcsm', window, observedAtMs: NOW, rejectedPayload: true };
const offsets = [0, 6].map((month) => new Date(Date.UTC(2026, month, 1)).getTimezoneOffset());
const decisions: Decisions = {
  chains: CHANGES.map(windowsAround),
  starts: Object.fromEntries(STARTS.map((text) => [text, startOf(text)])),
  events: [
    ...documentedLegs.map((row) => callLegs.toEvent(row, context)),
    ...documentedRecords.map((row) => callRecords.toEvent(row, context)),
    gapEvent('call-legs', context),
  ],
};
process.stdout.write(JSON.stringify({ offsets, decisions } satisfies Answer));
