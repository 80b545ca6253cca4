import { DatabaseSync } from 'node:sqlite';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import { Kafka } from 'kafkajs';
import type { CallRecord } from '../../../src/connector.ts'; // in a service of yours: from 'kafka-connect-8x8-work'

/**
 * A service that notes a callback for each missed call, once: in life a ticket, a task, an e-mail.
 *
 * - It reads committed records, as kafkajs does unless told otherwise (`readUncommitted`).
 * - Kafka delivers at least once. The id of an event and the work that it causes are one transaction of the database,
 *   so an event that comes again does nothing. Forget ids that are older than your topic keeps events.
 * - Offsets are committed after the work, never before it.
 * - A correction is an event of its own, with another id and a higher `revision`.
 */
const {
  KAFKA_BROKERS = 'localhost:9092',
  SCHEMA_REGISTRY_URL = 'http://localhost:8081/apis/ccompat/v7',
  TOPICS = '8x8',
  DATABASE = 'callbacks.db',
} = process.env;

const database = new DatabaseSync(DATABASE, { timeout: 5_000 });
database.exec(`
  CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS callbacks (number INTEGER PRIMARY KEY, pbx TEXT, call TEXT, ended_at INTEGER);
`);
const remember = database.prepare('INSERT OR IGNORE INTO events VALUES (?)');
const note = database.prepare('INSERT INTO callbacks (pbx, call, ended_at) VALUES (?, ?, ?)');

function handle({ eventId, revision, missed, pbxId, callId, disconnectedTimeUTC }: CallRecord): void {
  if (remember.run(eventId).changes === 0) return;
  if (missed && revision === 1) note.run(pbxId, callId, disconnectedTimeUTC);
}

function handleAll(records: readonly CallRecord[]): void {
  database.exec('BEGIN');
  try {
    records.forEach(handle);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error; // kafkajs starts again from the last offset that was committed
  }
}

const registry = new SchemaRegistry({ host: SCHEMA_REGISTRY_URL });
const kafka = new Kafka({ clientId: 'callbacks', brokers: KAFKA_BROKERS.split(',') });
const consumer = kafka.consumer({ groupId: `${TOPICS}.callbacks`, sessionTimeout: 10_000, maxWaitTimeInMs: 500 });

consumer.on('consumer.crash', ({ payload }) => {
  if (!payload.restart) process.exit(1); // for whoever starts it again
});
await consumer.connect();
await consumer.subscribe({ topic: `${TOPICS}.call-records`, fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachBatch: async ({ batch, isRunning, isStale }) => {
    const records = await Promise.all(batch.messages.map(({ value }) => registry.decode(value!)));
    if (!isRunning() || isStale()) return; // the partition is another member's now
    handleAll(records);
    const { topic, partition } = batch;
    await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(batch.lastOffset()) + 1n) }]);
  },
});

/** Ends with the batch in hand done and committed. */
async function stop(): Promise<void> {
  await consumer.disconnect();
  database.close();
}
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
