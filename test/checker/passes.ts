import { iso, placeOf, type AuditTopic, type CallsTopic, type Evidence, type PublishedEvent } from './evidence.ts';
import { setsAnew, type Head, type PassPlan } from './feeds.ts';
import { missingOfPass } from './history.ts';
import type { Finding } from './invariant.ts';
import { isSameShard, liveBeside } from './repeats.ts';
import { differingFields } from './revisions.ts';
import { deepAgeMs, SEAM_MS } from './rules.ts';

/**
 * I20 Passes: a pass over history begins by a RESET, keeps its plan, and reads two seconds beyond it, no more; each
 * state of a feed is what its RESETs say, and one that stands still or was cancelled commits nothing. A backfill ends
 * where the live pass has begun and reads nothing that another one reads; a replay ends where the live pass stood. A
 * row is published by the pass that it names and whose span it ended in, and in the topic of its plan, if that names
 * one; of the windows that a pass has read, and so at its end, none is missing. What a replay publishes has the id
 * that the same content of that revision had before.
 * A deep sweep has no plan and no end, begins by itself, and reads at its age what its live feed sweeps over no more.
 */
export function passesAreKept(evidence: Evidence): Finding {
  const { feeds, events, audits, calls } = evidence;
  const violations = [
    ...feeds.heads.flatMap((head) => [
      ...wrongChange(head), ...wrongPlan(head), ...wrongReading(head), ...wrongAge(evidence, head),
    ]
      .map((problem) => `${head.feed}/${head.commit} (${placeOf(head.record)}) ${problem}`)),
    ...[...feeds.byFeed.values()].flatMap((heads) =>
      [...wrongSpan(evidence, heads), ...missingOfPass(evidence, heads)]),
    ...[...events, ...audits, ...calls].flatMap((event) => misplaced(evidence, event)),
    ...events.flatMap((event) => otherId(evidence, event)),
  ];
  return { looked: feeds.heads.length, at: 'commits', violations };
}

/** States that a change makes; of a feed that was cancelled there is no change but a reset. */
const STATES: Readonly<Record<string, Head['state']>> = {
  begin: 'RUNNING', pause: 'PAUSED', resume: 'RUNNING', cancel: 'CANCELLED',
};

function wrongChange(head: Head): readonly string[] {
  const { pass, before, reset, change, state } = head;
  const problems: string[] = [];
  const begins = before === undefined && !isEndless(pass);
  if (begins && change !== 'begin' && change !== 'import') {
    problems.push(`begins a pass with ${change ?? 'no RESET'}, not with "begin"`);
  }
  if (!begins && change === 'begin') problems.push('begins what has begun');
  if (isEndless(pass) && change === 'cancel') problems.push(`cancels the pass ${pass}, which has no end`);
  const was = before?.state ?? 'RUNNING';
  const right = change === 'import' ? state : STATES[change ?? ''] ?? was;
  if (state !== right) problems.push(`is ${state} behind ${change ?? was}, not ${right}`);
  if (was === 'CANCELLED' && change !== undefined && !setsAnew(head)) {
    problems.push(`is a ${change} after the end`);
  }
  const { who, at, reason } = reset?.value ?? {};
  const isTold = typeof who === 'string' && who !== '' && typeof reason === 'string' && typeof at === 'number';
  if (reset !== undefined && !isTold) problems.push(`does not tell who has done it, when and why: ${who}, ${at}`);
  return problems;
}

/** The live pass and deep sweeps have neither a plan nor an end. */
function isEndless(pass: string): boolean {
  return pass === 'live' || deepAgeMs(pass) !== undefined;
}

function wrongPlan({ pass, before, plan, change }: Head): readonly string[] {
  if (isEndless(pass) !== (plan === undefined)) return [`is of the pass ${pass}, and has ${told(plan)}`];
  const first = before === undefined || change === 'import' ? plan : before.plan;
  return told(first) === told(plan) ? [] : [`has ${told(plan)}, but before it had ${told(first)}`];
}

/** Who paused a pass, or cancelled it, has shut out its owner; a live feed that stands still may ask for its shard. */
function wrongReading({ pass, before, reset, window, plan, ...head }: Head): readonly string[] {
  if (before === undefined || reset !== undefined) return [];
  const problems: string[] = [];
  const count = head.published + head.rejected + head.told;
  const still = before.state !== 'RUNNING' && (pass !== 'live' || window !== undefined || count > 0);
  if (still) problems.push(`is a commit with ${count} events, though the feed was ${before.state}`);
  const endMs = (plan?.end ?? Infinity) + SEAM_MS;
  if (window === undefined) return problems;
  const fromMs = before.origin - SEAM_MS;
  if (window.to > endMs) problems.push(`reads up to ${iso(window.to)}, but was to read up to ${iso(endMs)}`);
  if (window.from < fromMs) problems.push(`reads from ${iso(window.from)}, but was to read from ${iso(fromMs)}`);
  return problems;
}

/** A deep sweep comes when its rows have the age, and when its live feed reads nothing of that time any more. */
function wrongAge({ feeds, run: { skewMs } }: Evidence, head: Head): readonly string[] {
  const { pass, window, record: { timestamp } } = head;
  const ageMs = deepAgeMs(pass);
  if (ageMs === undefined || window === undefined) return [];
  const edgeMs = liveBeside(feeds, head)?.seenFrom ?? -Infinity;
  const youngMs = timestamp + skewMs - ageMs;
  const reads = `reads up to ${iso(window.to)}, but`;
  return [
    ...window.to > youngMs ? [`${reads} what has its age ended at ${iso(youngMs)}`] : [],
    ...window.to > edgeMs ? [`${reads} its live feed sweeps over what ended at ${iso(edgeMs)}`] : [],
  ];
}

/** What the plan of a pass has to do with the passes beside it, as they stood when it began. */
function wrongSpan({ feeds }: Evidence, heads: readonly Head[]): readonly string[] {
  const begin = heads[0];
  const plan = begin?.plan;
  if (begin === undefined || plan === undefined) return [];
  const name = `${begin.feed} with ${told(plan)}`;
  if (plan.from >= plan.end) return [`${name} reads nothing`];
  const beside = [...feeds.byFeed.values()].filter(([other]) =>
    other !== undefined && other !== begin && isSameShard(other, begin));
  const lives = beside.find(([other]) => other!.pass === 'live') ?? [];
  const live = standing(lives, begin);
  if (live === undefined) return [`${name} begins before its live pass`];
  if (plan.replay) {
    const problem = `${name} replays more than the live pass has read, which stood at ${iso(live.watermark)}`;
    return plan.end <= live.watermark ? [] : [problem];
  }
  // A person may set the live pass back into what a backfill has read.
  const reset = lives.findIndex((head) => setsAnew(head) && isBehind(head, begin));
  const origins = lives.slice(lives.indexOf(live), reset === -1 ? undefined : reset);
  const reached = origins.find(({ origin }) => plan.end > origin);
  if (reached !== undefined) return [`${name} reaches behind ${iso(reached.origin)}, where its live pass has begun`];
  return beside.flatMap((others) => {
    const other = standing(others, begin);
    if (other?.plan === undefined || other.plan.replay) return [];
    const endMs = other.state === 'CANCELLED' ? Math.min(other.watermark, other.plan.end) : other.plan.end;
    const apart = plan.end <= other.plan.from || endMs <= plan.from;
    return apart ? [] : [`${name} reads again what ${other.feed} reads up to ${iso(endMs)}`];
  });
}

/** The last head that stands before another one of its partition. */
function standing(heads: readonly Head[], other: Head): Head | undefined {
  return heads.findLast((head) => isBehind(other, head));
}

function isBehind(head: Head, other: Head): boolean {
  return head.record.offset > other.record.offset;
}

/** Of dead letters nobody knows when their row has ended, and they name no pass. A row that was known may be moved. */
function misplaced(
  { headOf, run }: Evidence, event: PublishedEvent | PublishedEvent<AuditTopic | CallsTopic>,
): readonly string[] {
  const { record, topic, feed, commit, value, subject } = event;
  const head = headOf(event);
  if (head === undefined || topic === 'rejected' || record.value === null) return []; // of which I3 and I4 tell
  const name = `${placeOf(record)} of ${feed}/${commit} (${subject})`;
  const right = (/^call-/.test(topic) ? head.plan?.topic : null) ?? run.topics[topic];
  if (record.topic !== right) return [`${name} belongs in ${right}`];
  if (value['pass'] !== head.pass) return [`${name} names the pass ${value['pass']}`];
  if (head.plan === undefined || !/^call-/.test(topic)) return [];
  const endMs = Number(value['disconnectedTimeUTC']);
  const tooEarly = endMs < head.origin && value['changeKind'] !== 'corrected';
  return endMs >= head.plan.end || tooEarly ? [`${name} ended at ${iso(endMs)}, outside of ${told(head.plan)}`] : [];
}

/** Same content and same revision, same id; and the other way round. */
function otherId({ eventsAbout, lineOf }: Evidence, event: PublishedEvent): readonly string[] {
  const { topic, subject, feed, value, id, record } = event;
  if (topic === 'rejected' || lineOf(feed) === '') return [];
  return eventsAbout(topic, subject).filter((other) => lineOf(other.feed) === '').flatMap((other) => {
    const differing = differingFields(other, value).filter((name) => name !== 'pbxId'); // its spelling may change
    const same = differing.length === 0 && other.value['revision'] === value['revision'];
    if (same === (id === other.id)) return [];
    const how = same ? 'is what' : `differs in [${differing}] from what`;
    return [`${placeOf(record)} of ${feed}, ${id}, ${how} ${placeOf(other.record)} has told as ${other.id}`];
  });
}

function told(plan: PassPlan | undefined): string {
  if (plan === undefined) return 'no plan';
  const { replay, topic, from, end } = plan;
  const where = topic ? ` to ${topic}` : '';
  return `the plan of a ${replay ? 'replay' : 'backfill'}${where} from ${iso(from)} to ${iso(end)}`;
}
