import { MemorySink } from '../../src/sink/memory.ts';
import { testSink } from './sink.contract.ts';

const published: string[] = [];
const sink = new MemorySink({
  onCommit: ({ events }) => published.push(...events.map(({ value }) => String(value['eventId']))),
});

testSink('memory', { open: async () => sink, readPublished: async () => published });
