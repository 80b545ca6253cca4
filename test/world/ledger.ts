import { feedName } from '../../src/feed/feed.ts';
import { LIVE } from '../../src/feed/pass.ts';
import type { BusEvent } from '../../src/streams/stream.ts';
import { eachStep, iso, rowEvents, type Promised } from './promise.ts';
import type { VisibleCommit } from './trace.ts';

/** Each row that was fetched is in one of them. */
const HEAPS = ['new', 'corrected', 'rejected', 'repeated', 'outside'];

/**
 * When a watermark moves, the same commit says so: one entry of the ledger, true in every count, and one watermark.
 * No other commit has either.
 */
export const ledgerIsTrue: Promised = ({ trace }) => {
  const byScan = Map.groupBy(trace.commits, scanName);
  return eachStep(trace.commits, (commit, before) => {
    const { feed, step, events, atMs } = commit;
    const of = (channel: BusEvent['channel']) => events.filter((event) => event.channel === channel);
    const [entries, watermarks] = [of('ledger'), of('watermarks')];
    const expected = before === undefined || step.watermarkMs === before.step.watermarkMs ? 0 : 1;
    const where = `ledger: ${feedName(feed)} at ${iso(atMs)}`;
    if (entries.length !== expected) return `${where} has ${entries.length} entries`;
    if (entries.length !== watermarks.length) return `${where} has ${watermarks.length} watermarks`;
    if (entries.length === 0) return undefined;
    const said = entries[0]!.value;
    const pages = byScan.get(scanName(commit))!.filter((page) => page.atMs <= atMs);
    const wrong = Object.entries(truthOf(pages, before!)).find(([name, value]) => said[name] !== value);
    if (wrong !== undefined) return `${where} says ${said[wrong[0]]} of ${wrong[0]}, which is ${wrong[1]}`;
    const [delayMs, longestMs] = [said['delayMaxMs'], longestDelayMs(pages)];
    if (delayMs !== null && delayMs !== longestMs) return `${where} says ${delayMs} of a delay of ${longestMs} ms`;
    const [quietSinceMs, latestMs] = [said['quietSince'], latestOf(pages, before!)];
    if (feed.pass !== LIVE && quietSinceMs !== null) return `${where} says that history is quiet`;
    if (feed.pass === LIVE && !(Number(quietSinceMs) >= latestMs && Number(quietSinceMs) <= step.watermarkMs)) {
      return `${where} is quiet since ${quietSinceMs}, with a row of ${latestMs}`;
    }
    const sum = HEAPS.reduce((all, name) => all + Number(said[name]), 0);
    if (sum !== said['fetched']) return `${where} has fetched ${said['fetched']} rows and tells of ${sum}`;
    const published = rowsSince(trace.commits, before!, commit);
    const told = ['new', 'corrected', 'rejected', 'recovered'].reduce((all, name) => all + Number(said[name]), 0);
    if (told !== published) return `${where} tells of ${told} rows, of ${published} since the last one`;
    const short = said['total'] !== null && Number(said['received']) < Number(said['total']);
    if (said['outcome'] !== (short ? 'short' : 'whole')) return `${where} is called ${said['outcome']}`;
    return watermarks[0]!.value['completeUpTo'] === step.watermarkMs ? undefined : `${where} tells another watermark`;
  });
};

/** What the feed has published since its watermark has last moved, whichever reading it was. */
function rowsSince(
  commits: readonly VisibleCommit[], { step: { watermarkMs } }: VisibleCommit, last: VisibleCommit,
): number {
  const name = feedName(last.feed);
  const ofFeed = commits.slice(0, commits.indexOf(last) + 1).filter(({ feed }) => feedName(feed) === name);
  const since = ofFeed.findIndex(({ step }) => step.watermarkMs === watermarkMs);
  return ofFeed.slice(since + 1).flatMap(rowEvents).length;
}

/** What the commits of a reading, the last one included, have published. */
function truthOf(pages: readonly VisibleCommit[], before: VisibleCommit): Readonly<Record<string, unknown>> {
  const { feed, step } = pages.at(-1)!;
  const events = pages.flatMap(rowEvents);
  const accepted = events.filter(({ channel }) => channel === 'accepted');
  const fresh = accepted.filter(({ value }) => value['revision'] === 1);
  return {
    pass: feed.pass,
    stream: feed.stream,
    pbxId: feed.pbxId,
    windowFrom: step.scan!.window.from,
    windowTo: step.scan!.window.to,
    fromWatermark: before.step.watermarkMs,
    watermark: step.watermarkMs,
    new: fresh.length,
    corrected: accepted.length - fresh.length,
    late: fresh.filter(({ eventTimeMs }) => eventTimeMs < before.step.watermarkMs).length,
    rejected: events.length - accepted.length,
  };
}

/** From the end of a new row until it was read; -Infinity if there is none. */
function longestDelayMs(pages: readonly VisibleCommit[]): number {
  const fresh = pages.flatMap(rowEvents).filter(({ value }) => value['revision'] === 1);
  return Math.max(...fresh.map(({ value, eventTimeMs }) => Number(value['observedAt']) - eventTimeMs));
}

/** End of the last row that was published where the feed has not been before; -Infinity if there is none. */
function latestOf(pages: readonly VisibleCommit[], { step: { watermarkMs: fromMs } }: VisibleCommit): number {
  const toMs = pages.at(-1)!.step.watermarkMs;
  const times = pages.flatMap(rowEvents).filter(({ channel }) => channel === 'accepted')
    .map(({ eventTimeMs }) => eventTimeMs);
  return Math.max(...times.filter((ms) => ms >= fromMs && ms < toMs));
}

function scanName({ feed, step }: VisibleCommit): string {
  return `${feedName(feed)} ${step.scan?.after} ${step.scan?.window.from} ${step.scan?.window.to}`;
}
