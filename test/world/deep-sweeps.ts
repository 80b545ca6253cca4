import { deepPace, deepPass } from '../../src/feed/deep-sweep.ts';
import { feedName, type FeedId } from '../../src/feed/feed.ts';
import { isAskedFor, iso, publishedKeys, type Promised } from './promise.ts';
import type { TrueRow } from './truth.ts';
import type { Outcome } from './world.ts';

/** Deep sweeps have a turn behind their live feeds, and those may have just come to the edge. */
const SLACK_MS = 40 * 60_000;

/**
 * Late rows beyond the lookback are found: each feed has a deep sweep for each age, which comes as far as its age in
 * the end; and all that has ended behind its beginning, and was shown within its age, is on the bus. It passes nothing
 * unread, for nobody moves a feed on in a world, and all keys are remembered.
 */
export const deepSweepsFind: Promised = (outcome) => {
  const { plan: { pace: { deepSweepsMs = [] } }, feeds } = outcome;
  return feeds.flatMap(({ id }) => deepSweepsMs.flatMap((ageMs) =>
    [...behind(outcome, id, ageMs), ...missed(outcome, id, ageMs)]));
};

function behind({ plan, trace }: Outcome, id: FeedId, ageMs: number): readonly string[] {
  const name = feedName({ ...id, pass: deepPass(ageMs) });
  const last = trace.commits.findLast(({ feed }) => feedName(feed) === name);
  if (last === undefined) return [`deep: ${name} has never begun`];
  const { settleMs, lookbackMs } = plan.pace; // a worker may have four times the lookback
  const reachMs = Math.max(ageMs, settleMs + 4 * lookbackMs);
  const dueMs = plan.endMs - reachMs - deepPace(plan.pace, ageMs).stepMinMs - SLACK_MS;
  return last.step.watermarkMs >= dueMs ? [] : [`deep: ${name} is only at ${iso(last.step.watermarkMs)}`];
}

function missed({ plan, trace, truth }: Outcome, id: FeedId, ageMs: number): readonly string[] {
  const name = feedName({ ...id, pass: deepPass(ageMs) });
  const steps = trace.commits.filter(({ feed }) => feedName(feed) === name).map(({ step }) => step);
  const [beginMs, endMs] = [steps[0]?.watermarkMs ?? Infinity, (steps.at(-1)?.watermarkMs ?? -Infinity) - 1_000];
  const { accepted } = publishedKeys(trace.commits);
  // By a clock that is ahead a row is older than it is.
  const inTime = ({ timesMs, visibleMs }: TrueRow): boolean =>
    visibleMs <= Math.min(...timesMs) + ageMs - plan.clockAheadMaxMs - 1_000;
  return truth.all(id.stream as TrueRow['report'])
    .filter((row) => isAskedFor(id, row) && row.timesMs.every((ms) => ms >= beginMs && ms < endMs) && inTime(row))
    .filter((row) => row.gone === undefined && !row.poison && !trace.damaged.has(`${row.report} ${row.key}`))
    .filter(({ report, key }) => !accepted.has(`${report} ${key}`))
    .map(({ report, key, timesMs, visibleMs }) =>
      `deep: ${name} lacks ${report} ${key} of ${timesMs.map(iso).join(' or ')}, visible from ${iso(visibleMs)}`);
}
