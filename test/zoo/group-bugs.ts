import { check, hangs, patch, type Bug } from './bug.ts';

const GROUP = 'sink/kafka-group.ts';

/** Bugs in who owns a shard, and in how its offsets are read: `src/sink/kafka-group.ts` and `kafka-topics.ts`. */
export const groupBugs: readonly Bug[] = [
  {
    name: 'a member that crashed keeps its shards',
    believed: 'kafkajs joins again by itself, and fencing makes it safe to go on meanwhile',
    patches: [patch(GROUP, 'this.#own(new Set());', '')],
    caughtBy: [check('sink/kafka-group', /^a member that crashes out of the group owns nothing/)],
  },
  {
    name: 'a join ends a reading that is under way',
    believed: 'a consumer goes on from its position',
    patches: [patch(GROUP, 'if (this.#readers.has(shard)) this.#rewind(shard);\n      else this.#pause(shard);',
      'if (!this.#readers.has(shard)) this.#pause(shard);')],
    caughtBy: [check('sink/kafka-group', /^a join forgets positions/)],
  },
  {
    name: 'records from before a rewind are taken twice',
    believed: 'a batch that is handed over is a batch to take',
    patches: [patch(GROUP, 'if (!isStale()) this.#take', 'this.#take')],
    caughtBy: [check('sink/kafka-group', /^a join forgets positions/)],
  },
  {
    name: 'a shard is read on after it was taken away',
    believed: 'whoever reads disturbs nobody',
    patches: [patch(GROUP, 'if (shards.has(shard)) continue;', 'if (shards.size > 0) continue;')],
    caughtBy: [check('sink/kafka-group', /^a shard that is taken away while it is read/, hangs(3_000))],
  },
  {
    name: 'offsets of transactions that never were',
    believed: 'nobody but us writes there, so all of it is ours',
    patches: [patch(GROUP, 'readUncommitted: false', 'readUncommitted: true')],
    caughtBy: [check('sink/kafka-atomic', /^a commit of which Kafka refuses one part/, {
      says: /left \d+ seen keys, but the topic has \d+: records are missing/,
    })],
  },
  {
    name: 'an offsets topic that deletes by age',
    believed: 'offsets are written every minute, so none is ever old',
    patches: [patch('sink/kafka-topics.ts', "if (policy === 'compact') return;", "if (policy !== '') return;")],
    caughtBy: [check('road/start', 'an offsets topic that is not compacted stops the start', hangs(10_000))],
  },
  {
    name: 'an offsets topic that has grown',
    believed: 'more partitions mean more shards, as the operator wanted',
    patches: [patch('sink/kafka-topics.ts', 'if (count === shards) return;', 'if (count >= shards) return;')],
    caughtBy: [check('road/start', /^an offsets topic that has grown stops the start/, hangs(10_000))],
  },
];
