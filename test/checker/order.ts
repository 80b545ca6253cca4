import { placeOf, type CallsTopic, type Evidence, type PublishedEvent } from './evidence.ts';
import type { Head } from './feeds.ts';
import type { Finding } from './invariant.ts';
import { mayComeAnew } from './repeats.ts';

/**
 * I7 Per-call order: all events of a call lie in one partition, which is the same for its legs, its record and the
 * whole call, as far as their topics have equally many; there they stand in the order of their feed's commits, and the
 * revisions of a row rise: those of live feeds and backfills together, and those of each replay.
 */
export function callsAreInOrder(evidence: Evidence): Finding {
  const { events, calls, ends, lineOf } = evidence;
  const violations: string[] = [];
  const partitions = (topic: string): number => ends.filter((end) => end.topic === topic).length;
  const places = new Map<string, Placed>();
  const lastCommit = new Map<string, Placed>();
  const lastRevision = new Map<string, Placed>();

  for (const event of [...events, ...calls]) {
    const { topic, record, subject, feed, commit, value } = event;
    const where = placeOf(record);
    if (topic !== 'rejected') {
      const call = subject.split('/').slice(0, 2).join('/');
      if (record.key !== call) violations.push(`${where} has the key ${record.key}, but is about the call ${call}`);
      const other = swap(places, `${partitions(record.topic)} ${call}`, event);
      if (other !== undefined && other.record.partition !== record.partition) {
        violations.push(`the call ${call} lies at ${placeOf(other.record)} and at ${where}`);
      }
      const revision = swap(lastRevision, `${lineOf(feed)} ${topic} ${subject}`, event);
      const isBehind = Number(revision?.value['revision']) > Number(value['revision']);
      if (revision !== undefined && isBehind && !mayComeAnew(evidence, revision, event)) {
        const behind = placeOf(revision.record);
        violations.push(`revision ${value['revision']} of ${subject} at ${where} is behind ${behind}`);
      }
    }
    const later = swap(lastCommit, `${record.topic}-${record.partition} ${feed}`, event);
    if (later !== undefined && later.commit > commit) {
      const other = `${placeOf(later.record)} of commit ${later.commit}`;
      violations.push(`${where} of ${feed}/${commit} stands behind ${other}`);
    }
  }
  return { looked: events.length + calls.length, at: 'events and dead letters', violations };
}

type Placed = PublishedEvent | PublishedEvent<CallsTopic>;

/** Puts an event in the place of the last one of its name, and gives that. */
function swap(known: Map<string, Placed>, name: string, event: Placed): Placed | undefined {
  const other = known.get(name);
  known.set(name, event);
  return other;
}

/**
 * I8 No zombie: between two barriers of a partition all heads are of one generation, and it is above all generations
 * before. So nothing of an owner becomes visible once the next has taken over.
 */
export function noZombie({ feeds }: Evidence): Finding {
  const last = new Map<number, Head>();
  const violations = feeds.heads.flatMap((head) => {
    const { generation, owner, record } = head;
    const before = last.get(record.partition);
    last.set(record.partition, head);
    if (owner === 0) return [`${placeOf(record)} of generation ${generation} has no barrier before it`];
    if (before === undefined) return [];
    const right = owner === before.owner ? generation === before.generation : generation > before.generation;
    if (right) return [];
    const how = owner === before.owner ? 'with no barrier between' : 'behind a barrier';
    return [`${placeOf(record)} of generation ${generation} follows, ${how}, on ${placeOf(before.record)} `
      + `of generation ${before.generation}`];
  });
  return { looked: feeds.heads.length, at: 'commits', violations };
}
