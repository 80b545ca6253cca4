import { check, hangs, patch, type Bug, type Check } from './bug.ts';

const SESSION = 'sink/kafka-session.ts';
const UNTIL_YES = 'dead = true; // until Kafka has said yes';

const THREAD = 'sink/kafka-publisher-thread.ts';
const SENT = 'compression: options.compression });';
const ABORTED = `compression: options.compression }).catch(async (error) => {
      await transaction.abort();
      throw error;
    });`;

/** A real Kafka that refuses a part of a commit, each in turn. */
const REFUSED_PART: Check = check('sink/kafka-atomic', /^a commit of which Kafka refuses one part/);

/** Bugs in what is asked of Kafka, and in which order: `src/sink/`. */
export const sinkBugs: readonly Bug[] = [
  {
    name: 'offset before data',
    believed: 'with the offset written first, nothing can ever be published twice',
    patches: [patch(SESSION, UNTIL_YES,
      'dead = true; await publish(parts, publisher, { messages: messages.splice(events.length) });')],
    caughtBy: [REFUSED_PART],
  },
  {
    name: 'data without offset',
    believed: 'events go out at once, and the offset follows when they are safe',
    patches: [patch(SESSION, UNTIL_YES,
      'dead = true; await publish(parts, publisher, { messages: messages.splice(0, events.length) });')],
    caughtBy: [REFUSED_PART],
  },
  {
    name: 'rejected rows outside the transaction',
    believed: 'dead letters are no events, and must not hold those up',
    patches: [
      patch(SESSION, UNTIL_YES, `dead = true;
      const letters = messages.filter(({ topic }) => topic === encoder.topics.rejected);
      if (letters.length > 0) await publish(parts, publisher, { messages: letters });`),
      patch(SESSION, '{ messages, headers,',
        '{ messages: messages.filter(({ topic }) => topic !== encoder.topics.rejected), headers,'),
    ],
    caughtBy: [REFUSED_PART],
  },
  {
    name: 'producer reused after a failed commit',
    believed: 'one lost answer is no reason to fence and read everything again',
    patches: [patch(SESSION, UNTIL_YES, ''), patch(THREAD, SENT, ABORTED)],
    caughtBy: [REFUSED_PART],
  },
  {
    name: 'a commit tried again in its session',
    believed: 'most errors of a network pass, and events are deduped by key',
    patches: [patch(SESSION, 'withDeadline(publisher.publish(transaction), ',
      'withDeadline(publisher.publish(transaction).catch(() => publisher.publish(transaction)), ')],
    caughtBy: [check('sink/kafka-session', /^after a commit that Kafka has refused nothing more is sent/)],
  },
  {
    name: 'no deadline of our own',
    believed: 'the client has timeouts for every request',
    patches: [patch(SESSION, 'withDeadline(publisher.publish(transaction), limitMs, late)',
      '(late, publisher.publish(transaction))')],
    caughtBy: [check('sink/kafka-session', /^after a commit that Kafka has not answered in time/, hangs(3_000))],
  },
  {
    name: 'fence after read',
    believed: 'a mark of another producer ends the reading as well, and the owner is fenced by our first commit',
    patches: [patch(SESSION, 'await publish(parts, publisher, { messages: [barrier', `const marker =
      await parts.openPublisher({ ...parts.publishing, transactionalId: \`\${transactionalId}.mark\` });
    await publish(parts, marker, { messages: [barrier`)],
    caughtBy: [check('sink/kafka', /^kafka: a new session shuts out the one before/)],
  },
  {
    name: 'zombie allowed',
    believed: 'two workers with the same transactional id disturb each other, so each has its own',
    patches: [patch(SESSION, '.${offsets.pass}.${shard}`;', '.${offsets.pass}.${shard}.${randomUUID()}`;')],
    caughtBy: [check('sink/kafka', /^kafka: a new session shuts out the one before/)],
  },
  {
    name: 'stale offsets read',
    believed: 'the barrier has a key of its own, so its key tells it',
    patches: [patch('sink/kafka-offsets.ts', '&& (candidate.value?.includes(barrier) ?? false)', '&& barrier !== ""')],
    caughtBy: [check('sink/kafka-session', /^a takeover reads up to its own mark/)],
  },
  {
    name: 'a transaction of its own for each send',
    believed: 'small transactions let readers see events sooner',
    patches: [
      patch(THREAD, 'const transaction = await', 'let transaction = await'),
      patch(THREAD, SENT,
        'compression: options.compression }); await transaction.commit(); transaction = await producer.transaction();'),
    ],
    caughtBy: [check('sink/kafka-transaction', /^a transaction that breaks in its middle/)],
  },
  {
    name: 'retry inside the same transaction',
    believed: 'nothing is visible yet, so what failed can be sent again before the commit',
    patches: [patch(THREAD, SENT,
      `compression: options.compression }).catch(async () => {
      for (const again of planSends(messages, leaderOf, headers)) {
        await transaction.sendBatch({ topicMessages: again, acks: -1, compression: options.compression });
      }
    });`)],
    caughtBy: [check('sink/kafka-transaction', /^a transaction that breaks in its middle/)],
  },
  {
    name: 'abort, and go on with the producer',
    believed: 'that is what every example of a transaction does',
    patches: [patch(THREAD, SENT, ABORTED)],
    caughtBy: [check('sink/kafka-transaction', /^a transaction that breaks in its middle/)],
  },
  {
    name: 'rows of a replay staged for the topic of their stream',
    believed: 'what is encoded ahead is the same bytes, wherever they go',
    patches: [patch(SESSION, '(way.encoder === encoder ? staged.get(event) : undefined)', 'staged.get(event)')],
    caughtBy: [check('sink/kafka-session', /^rows of a replay go to the topic of its plan alone/)],
  },
  {
    name: 'a session ends when a replay cannot use its topic',
    believed: 'any error of a commit is the end of its session',
    patches: [patch(SESSION, 'const way = await wayOf(', 'dead = true; const way = await wayOf(')],
    caughtBy: [check('sink/kafka-session', /^a replay that cannot use its topic/, { says: /has failed before/ })],
  },
  {
    name: 'wrong partitioner',
    believed: 'a partitioner is a partitioner, as long as it is always the same',
    patches: [patch('sink/kafka-placement.ts', 'word >>> 24', 'word >> 24')],
    caughtBy: [check('sink/kafka-placement', 'a key falls where the Java client puts it: foobar')],
  },
  {
    name: 'one send to several brokers',
    believed: 'kafkajs sends to all of them at once, which is faster',
    patches: [patch('sink/kafka-messages.ts', '`${batch.part}/${leaderOf(message.topic, message.partition)}`',
      '`${batch.part}`')],
    caughtBy: [check('sink/kafka-messages', /^a send goes to one broker/)],
  },
  {
    name: 'batches measured without their headers',
    believed: 'the value is what takes the room',
    patches: [patch('sink/kafka-messages.ts', 'FRAME_BYTES + headers + Buffer.byteLength(key) + ', '')],
    caughtBy: [check('sink/kafka-messages', /^no batch of a partition is larger than a broker takes/)],
  },
  {
    name: 'messages carry the time of the call, whatever it is',
    believed: 'the time of an event is the time of its message',
    patches: [patch('sink/kafka-messages.ts', "Math.min(eventTimeMs, Number(value['observedAt']))", 'eventTimeMs')],
    caughtBy: [check('sink/kafka-placement', /^the time of a message is that of the call/)],
  },
  {
    name: 'a deleted watermark begins the feed anew',
    believed: 'a tombstone means that there is no offset',
    patches: [patch('sink/kafka-offsets.ts', "if (bytes === null) throw new Error('has been deleted by a tombstone');",
      'if (bytes === null) return undefined;')],
    caughtBy: [check('sink/kafka-offsets', /^offsets with a watermark that was deleted are refused/)],
  },
  {
    name: 'unreadable offsets are passed over',
    believed: 'one bad record must not stop all feeds of a shard',
    patches: [patch('sink/kafka-offsets.ts', 'if (broken[0] !== undefined) {', 'if (broken.length < 0) {')],
    caughtBy: [check('sink/kafka-offsets', /^offsets with garbage are refused/)],
  },
];
