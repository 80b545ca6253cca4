import { iso, placeOf, type Evidence } from './evidence.ts';
import { CALLS, setsAnew, tallyOf, type Head } from './feeds.ts';
import type { Finding } from './invariant.ts';
import { liveBeside } from './repeats.ts';
import { deepAgeMs, RETENTION_MS } from './rules.ts';
import { movesWatermark } from './scans.ts';

/**
 * I3 Atomic: each head has exactly the events that its manifest tells of, by number and digest; no event is without
 * the head of its commit; what a partition has of a commit is one transaction, and no other commit is in it; commits
 * are numbered without a gap; one that reads no window has no events; and the keys that are remembered add up. Only
 * what a person changes of several feeds is one transaction of several commits, and nothing else is in it. A feed of
 * calls reads nothing, and tells what the feeds of its PBX have read.
 */
export function commitsAreWhole(evidence: Evidence): Finding {
  const { feeds, events, audits, calls } = evidence;
  const violations = [...feeds.heads.flatMap((head) => tornCommit(evidence, head)), ...mixedCommits(evidence)];
  const committed = new Set(feeds.heads.map(({ feed, commit }) => `${feed}/${commit}`));
  for (const { record, feed, commit, topic, value } of [...events, ...audits, ...calls]) {
    const place = placeOf(record);
    if (feed === undefined) violations.push(`${place} names no commit: ce_commit is ${record.headers['ce_commit']}`);
    else if (!committed.has(`${feed}/${commit}`)) {
      violations.push(`${place} is of ${feed}/${commit}, which has no head`);
    } else if ((/^call/.test(topic) ? topic : value['stream']) !== feed.split('/').at(-2)) {
      violations.push(`${place} is of ${feed}, whose events belong elsewhere`);
    }
  }
  for (const { head, tally } of feeds.seen) {
    const { count, sum } = head.seenSaid;
    if (count === tally.count && sum === tally.sum) continue;
    violations.push(`${nameOf(head)} tells of ${count} seen keys with the sum ${sum}, `
      + `the topic has ${tally.count} with ${tally.sum}`);
  }
  for (const record of feeds.broken) {
    const what = record.unreadable ?? 'a tombstone';
    violations.push(`${placeOf(record)} (${record.key}) is ${what}, and no reset has mended it`);
  }
  return { looked: feeds.heads.length, at: 'commits', violations };
}

function tornCommit({ eventsOf, auditsOf, callsOf }: Evidence, head: Head): string[] {
  const audits = auditsOf(head.feed, head.commit).filter(({ topic }) => topic !== 'watermarks');
  const entries = [...audits, ...callsOf(head.feed, head.commit)];
  const events = [...eventsOf(head.feed, head.commit), ...entries];
  const rejected = events.filter(({ topic }) => topic === 'rejected').length;
  const published = events.length - rejected - entries.length;
  const digest = tallyOf(events.map(({ id }) => Number.parseInt(id.slice(0, 12), 16))).sum;
  const torn: string[] = [];
  const count = (events: number, letters: number, told: number): string =>
    `${events} events, ${letters} dead letters and ${told} audits and calls`;
  const said = count(head.published, head.rejected, head.told);
  const found = count(published, rejected, entries.length);
  if (said !== found) {
    torn.push(`${nameOf(head)} tells of ${said}, the topics have ${found}`);
  } else if (digest !== head.digest) {
    torn.push(`${nameOf(head)} has the digest ${head.digest}, its events have ${digest}`);
  }
  if (head.window === undefined && events.length > 0 && head.report !== CALLS) {
    torn.push(`${nameOf(head)} reads no window, but has ${found}`);
  }
  const before = head.before?.commit ?? 0;
  const follows = head.reset === undefined ? head.commit === before + 1 : head.commit > before;
  if (!follows) torn.push(`${nameOf(head)} follows on commit ${before}`);
  return torn;
}

/** As the markers on the broker's disk have it, if that is at hand. */
function mixedCommits({ feeds, events, calls, transactions }: Evidence): readonly string[] {
  const named = [...feeds.heads, ...events, ...calls].map((one) => {
    const { record, feed, commit } = one;
    const name = `${feed}/${commit}`;
    const changes = 'reset' in one && one.reset !== undefined ? `the changes of generation ${one.generation}` : name;
    return { name, changes, record, transaction: transactions.get(placeOf(record)) };
  });
  const ofTransaction = new Map<string, string>();
  const ofCommit = new Map<string, string>();
  return named.flatMap(({ name, changes, record, transaction }) => {
    if (transaction === undefined || transaction === null) return [];
    const there = `${name} in ${record.topic}-${record.partition}`;
    const other = ofTransaction.get(transaction) ?? changes;
    const before = ofCommit.get(there) ?? transaction;
    ofTransaction.set(transaction, changes);
    ofCommit.set(there, transaction);
    if (other !== changes) return [`${placeOf(record)} of ${name} is in one transaction with ${other}`];
    return before === transaction ? [] : [`${there} is in two transactions, ended at ${before} and ${transaction}`];
  });
}

/**
 * I6 Watermark monotonic: neither it nor the time from which keys are known goes back, and where the feed has begun
 * stays, unless a reset or a file says so. What pauses, resumes or cancels a feed leaves all three as they are.
 */
export function nothingGoesBack({ feeds }: Evidence): Finding {
  const violations = feeds.heads.flatMap((head) => [...wrongOrigin(head), ...goesBack(head)]);
  return { looked: feeds.heads.length, at: 'commits', violations };
}

function goesBack(head: Head): readonly string[] {
  const { before, reset, change, watermark, seenFrom } = head;
  if (reset !== undefined) {
    const said = Number(reset.value!['watermark']);
    if (said !== watermark) return [`${nameOf(head)} is at ${iso(watermark)}, but its RESET says ${iso(said)}`];
    if (before === undefined || setsAnew(head)) return [];
    const stays = watermark === before.watermark && seenFrom === before.seenFrom;
    return stays ? [] : [`${nameOf(head)} is a ${change}, but moves the feed, which stood at ${iso(before.watermark)}`];
  }
  if (before === undefined) return [];
  const back = (what: string, from: number, to: number): string[] => to >= from ? []
    : [`${nameOf(head)} moves the ${what} back from ${iso(from)} to ${iso(to)}, and no RESET precedes it`];
  return [
    ...back('watermark', before.watermark, watermark), ...back('time of the oldest key', before.seenFrom, seenFrom),
  ];
}

/** A feed begins where its watermark is. A reset may set it back; what nobody could read, nobody knows. A file says. */
function wrongOrigin(head: Head): readonly string[] {
  const { before, change, mends, origin, watermark } = head;
  if (mends || change === 'import') return [];
  const begun = before?.origin ?? watermark;
  const right = change === 'reset' ? Math.min(begun, watermark) : begun;
  return origin === right ? [] : [`${nameOf(head)} says that it has begun at ${iso(origin)}, not at ${iso(right)}`];
}

/** What is about to leave 8x8's memory may be passed over, too: it would leave it while it is read. */
const LEAVING_MS = 86_400_000;

/**
 * I11 No gap in time: every move of the watermark is the end of a window that begins at or before the watermark it had,
 * so that all windows together cover all time since the feed began. Only what 8x8 keeps no more may be passed over.
 * A live feed begins at START_FROM, and a pass over history where it was asked to. A deep sweep begins where its live
 * feed remembers, or behind, and passes only what that does not. A feed of calls has no windows.
 */
export function noGapInTime(evidence: Evidence): Finding {
  const { feeds, gapLetterOf, run: { settings } } = evidence;
  const beginMs = Date.parse(settings['START_FROM'] ?? '');
  const violations = feeds.heads.flatMap((head) => {
    const { before, reset, watermark, window, commit, plan } = head;
    if (head.report === CALLS && window !== undefined) {
      return [`${nameOf(head)} has a window, but a feed of calls reads nothing`];
    }
    const begins = `${nameOf(head)} begins at ${iso(watermark)}`;
    if (before === undefined && plan !== undefined && head.change !== 'import') {
      const right = watermark === plan.from && window === undefined;
      return right ? [] : [`${begins}, but was to begin at ${iso(plan.from)}`];
    }
    if (deepAgeMs(head.pass) !== undefined && window === undefined && reset === undefined) {
      return wrongSkip(head, liveBeside(feeds, head));
    }
    if (before === undefined && reset === undefined) {
      const late = commit > 1 || window !== undefined || watermark > beginMs;
      return late ? [`${begins} with commit ${commit}, not at START_FROM ${settings['START_FROM']}`] : [];
    }
    if (head.report === CALLS) return [];
    if (!movesWatermark(head)) {
      const still = reset !== undefined || watermark <= before!.watermark;
      return still ? [] : [`${nameOf(head)} moves the watermark to ${iso(watermark)} without a window`];
    }
    const { from, to } = window!;
    const hole = from > before!.watermark || to !== watermark;
    const move = `${nameOf(head)} moves the watermark from ${iso(before!.watermark)} to ${iso(watermark)}`;
    if (hole) return [`${move} by the window from ${iso(from)} to ${iso(to)}`];
    const letter = gapLetterOf(head)?.value;
    if (letter === undefined) return [];
    const kept = to > head.record.timestamp - RETENTION_MS + LEAVING_MS;
    if (kept) return [`${move} as if 8x8 kept nothing of it, but it keeps two years`];
    const told = letter['windowFrom'] === before!.watermark && letter['windowTo'] === to;
    return told ? [] : [`${move}, but its dead letter tells of another span`];
  });
  return { looked: evidence.scans.all.length, at: 'moves of a watermark', violations };
}

/** What a deep sweep passes unread is what its live feed does not remember; it begins behind that, if it likes. */
function wrongSkip(head: Head, live: Head | undefined): readonly string[] {
  const { before, watermark } = head;
  if (before !== undefined && watermark === before.watermark) return [];
  const how = `${nameOf(head)} ${before === undefined ? 'begins' : 'passes what it has not read, and goes on'}`;
  if (live === undefined) return [`${how} at ${iso(watermark)}, before its live feed has begun`];
  // It begins at a whole second.
  const [from, to] = [live.remembered, before === undefined ? live.watermark : live.remembered + 999];
  if (watermark >= from && watermark <= to) return [];
  return [`${how} at ${iso(watermark)}, but its live feed remembers from ${iso(from)}, up to ${iso(live.watermark)}`];
}

function nameOf({ feed, commit, record }: Head): string {
  return `${feed}/${commit} (${placeOf(record)})`;
}
