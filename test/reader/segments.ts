/** A record or a marker as it lies on a broker's disk. */
export interface LogEntry {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** -1 for a producer that is not idempotent. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly transactional: boolean;
  /** Ends the transaction of its producer; absent on a record. */
  readonly marker?: 'COMMIT' | 'ABORT';
}

type Batch = Pick<LogEntry, 'producerId' | 'producerEpoch' | 'transactional'>;

/**
 * Reads what Kafka's `DumpLogSegments --deep-iteration` prints, line by line: the file, each batch, and below it each
 * of its records. Lines that are none of these give nothing.
 */
export function createSegmentParser(): (line: string) => readonly LogEntry[] {
  let place = { topic: '', partition: -1 };
  let batch: Batch | undefined;
  return (line) => {
    const file = /^Dumping .*\/([^/]+)-(\d+)\/\d+\.log$/.exec(line);
    if (file !== null) {
      place = { topic: file[1]!, partition: Number(file[2]) };
      return [];
    }
    if (line.startsWith('baseOffset: ')) {
      const facts = readFacts(line);
      batch = {
        producerId: Number(facts.get('producerId')),
        producerEpoch: Number(facts.get('producerEpoch')),
        transactional: facts.get('isTransactional') === 'true',
      };
      return [];
    }
    if (!line.startsWith('| offset: ') || batch === undefined) return [];
    const facts = readFacts(line.slice(2));
    const marker = facts.get('endTxnMarker') as LogEntry['marker'];
    const entry = { ...place, offset: Number(facts.get('offset')), ...batch };
    return [marker === undefined ? entry : { ...entry, marker }];
  };
}

/** `a: 1 b: 2` as a map. */
function readFacts(line: string): ReadonlyMap<string, string> {
  return new Map([...line.matchAll(/(\w+): (\S+)/g)].map(([, name, value]) => [name!, value!]));
}
