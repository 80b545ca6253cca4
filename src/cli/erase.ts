import { Option, type Command } from 'commander';
import { systemClock } from '../clock.ts';
import { eraseRows, loadConfig } from '../connector.ts';
import { invalid } from '../errors.ts';
import { STREAM_NAMES, type StreamName } from '../feed/feed.ts';
import { foldPbx } from '../streams/pbx.ts';
import { configOption, reasonOption, whoOption } from './offsets.ts';

/** Arguments of `8x8-connector erase`. */
export interface EraseArguments {
  readonly config: readonly string[];
  readonly stream: StreamName;
  readonly key: readonly string[];
  readonly reason: string;
  readonly who: string;
  readonly dryRun?: boolean;
}

const PARTS: Readonly<Record<StreamName, readonly string[]>> = {
  'call-legs': ['pbx', 'callId', 'legId'],
  'call-records': ['pbx', 'callId'],
};

export function addEraseOptions(command: Command): Command {
  return command
    .description('take rows out of the compacted topic of a stream; workers go on')
    .addOption(configOption())
    .addOption(new Option('--stream <name>', 'the report they are of').choices(STREAM_NAMES).makeOptionMandatory())
    .addOption(new Option('--key <key...>', 'key of a row: pbx/callId/legId of a leg, pbx/callId of a record')
      .makeOptionMandatory())
    .addOption(reasonOption())
    .addOption(whoOption())
    .option('--dry-run', 'only tell what would be erased, and change nothing');
}

/** Leaves a tombstone for each row, and a dead letter that says who wanted it, when and why. */
export async function erase(args: EraseArguments, print: (line: string) => void): Promise<void> {
  const { stream, reason, who, dryRun = false } = args;
  const keys = [...new Set(args.key.map((key) => keyOf(stream, key)))];
  const config = loadConfig(args.config);
  const { topicCallLegsLatest: legs, topicCallRecordsLatest: records } = config.kafka;
  const topic = stream === 'call-legs' ? legs : records;
  if (topic === 'off') {
    const name = stream === 'call-legs' ? 'KAFKA_TOPIC_CALL_LEGS_LATEST' : 'KAFKA_TOPIC_CALL_RECORDS_LATEST';
    throw invalid(`${name}: it is off, so there is no table to erase from; set it to the topic that has the rows`);
  }
  if (dryRun) {
    for (const key of keys) print(`${key} would be erased from ${topic}.`);
    return print('Nothing was changed.');
  }
  await eraseRows(config, { stream, keys, note: { reason, who, at: systemClock.nowMs() } });
  for (const key of keys) print(`${key} is erased from ${topic}, as soon as Kafka compacts it.`);
  print('A row that 8x8 changes, or that is replayed, comes back. Topics of events have it for their retention.');
}

/** As rows are named on the bus. @throws ConnectorError CONFIG_INVALID */
function keyOf(stream: StreamName, text: string): string {
  const [pbx = '', ...ids] = text.split('/');
  const parts = PARTS[stream];
  if (pbx !== '' && ids.length === parts.length - 1 && !ids.includes('')) return [foldPbx(pbx), ...ids].join('/');
  throw invalid(`--key: rows of ${stream} are named ${parts.join('/')}, as in ce_subject of their events`);
}
