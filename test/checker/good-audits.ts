import { idOf, type PlannedEvent } from './good-events.ts';
import { seconds } from './good-rows.ts';
import { isSameFeed, type Step } from './good-run.ts';

/** What a commit that moves the watermark tells of its window, behind the steps before it. */
export function auditsOf(one: Step, earlier: readonly Step[]): readonly PlannedEvent[] {
  const { kind, pass, report, number, scan, window, watermark, atS } = one;
  const mine = earlier.filter((step) => step.kind !== 'barrier' && isSameFeed(step, one) && !step.aborted);
  const fromWatermark = mine.at(-1)?.watermark ?? Infinity;
  if (kind !== 'commit' || window === undefined || watermark <= fromWatermark) return [];

  const events = [...mine.filter((step) => step.number > scan), one].flatMap((step) => step.events);
  const isGap = events.some(({ value }) => value['code'] === 'RETENTION_GAP');
  const accepted = events.filter(({ topic }) => topic !== 'rejected');
  const fresh = accepted.filter(({ value }) => value['revision'] === 1);
  const rejected = isGap ? 0 : events.length - accepted.length;
  const fetched = isGap ? 0 : events.length + 2;
  const since = mine.slice(mine.findLastIndex((step) => step.watermark < fromWatermark) + 2);
  const all = [...since, one].flatMap((step) => step.events).length - (isGap ? 1 : 0);
  const entry = {
    windowFrom: window.from, windowTo: window.to, fromWatermark, watermark, outcome: isGap ? 'gap' : 'whole',
    total: isGap ? null : fetched, received: fetched, fetched, new: fresh.length,
    corrected: accepted.length - fresh.length, rejected, repeated: isGap ? 0 : 2, outside: 0,
    recovered: all - (isGap ? 0 : events.length),
    late: fresh.filter(({ value }) => Number(value['disconnectedTimeUTC']) < fromWatermark).length,
  };
  const audit = (topic: 'ledger' | 'watermarks', fields: object): PlannedEvent => {
    const subject = `${topic}/${pass}/${report}/acme/${number}`;
    const id = idOf(subject);
    const about = { eventId: id, pass, stream: report, pbxId: 'Acme', commit: number };
    const value = { ...about, ...fields, observedAt: seconds(atS) };
    const key = `${pass}/${report}/acme`;
    return { topic, subject, id, key, partition: 0, timestamp: window.to, value, headers: {} };
  };
  return [audit('ledger', entry), audit('watermarks', { completeUpTo: watermark })];
}
