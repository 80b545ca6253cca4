import type { AnswerLine, Dumps } from './dumps.ts';
import { auditsOf } from './good-audits.ts';
import { idOf, type PlannedEvent } from './good-events.ts';
import { seconds } from './good-rows.ts';
import { step, type Plan, type Step } from './good-run.ts';

/** A change of the plan, or of what was collected of it. */
export interface Change {
  readonly plan?: (plan: Plan) => void;
  readonly dumps?: (dumps: Writable<Dumps>) => void;
}

export type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** The legs' feed is set to another time by a person. */
export function resetTo(plan: Plan, toS: number): void {
  plan.steps.push(step({ kind: 'reset', number: 40, generation: 4, atS: 352, watermark: seconds(toS) }));
  plan.run = { ...plan.run, caughtUpToMs: -Infinity };
}

/** What the first commit behind such a reset has. */
export const AFTER_RESET = { number: 41, generation: 4, atS: 353, scan: 40, watermark: seconds(5) };

/** A commit of the legs' feed. */
export function legs({ steps }: Plan, number: number): Step {
  return steps.find((one) => one.report === 'call-legs' && one.number === number && !one.aborted)!;
}

export function events(plan: Plan): readonly PlannedEvent[] {
  return plan.steps.flatMap((one) => one.events);
}

export function row(plan: Plan, call: number): Plan['rows'][number] {
  return plan.rows.find(({ ledger }) => ledger.key.startsWith(`Acme/${call}`))!;
}

export function take(one: Step, subject: string): PlannedEvent {
  const index = one.events.findIndex((event) => event.subject === subject);
  return one.events.splice(index, 1)[0]!;
}

export function answers(plan: Plan, change: (lines: AnswerLine[]) => void): void {
  change(plan.answers);
  plan.answers = plan.answers.map((line, index) => ({ ...line, number: index + 1 }));
}

/** What the commit of the legs' feed tells of its window in a topic. */
export function toldOf(plan: Plan, number: number, topic: PlannedEvent['topic']): PlannedEvent {
  const index = plan.steps.indexOf(legs(plan, number));
  return auditsOf(plan.steps[index]!, plan.steps.slice(0, index)).find((event) => event.topic === topic)!;
}

export function withValue(
  told: readonly PlannedEvent[], topic: PlannedEvent['topic'], change: (value: PlannedEvent['value']) => object,
): readonly PlannedEvent[] {
  return told.map((event) =>
    event.topic === topic ? { ...event, value: { ...event.value, ...change(event.value) } } : event);
}

export const letterOf = (plan: Plan): PlannedEvent => events(plan).find(({ topic }) => topic === 'rejected')!;
export const legOf = (plan: Plan): PlannedEvent => legs(plan, 2).events[0]!;

/** As many partitions in each topic, with records in them or not. */
export function withAllPartitions(dumps: Writable<Dumps>): void {
  const empty = { partition: 2, stableEnd: 0, end: 0, segments: true };
  const topics = ['c.call-legs', 'c.call-records'].filter((topic) =>
    !dumps.ends.some((end) => end.topic === topic && end.partition === 2));
  const there = dumps.ends.some(({ topic, partition }) => topic === 'c.call-records' && partition === 1);
  const more = topics.map((topic) => ({ ...empty, topic }));
  dumps.ends = [...dumps.ends, ...more, ...(there ? [] : [{ ...empty, topic: 'c.call-records', partition: 1 }])];
}

/** Seconds after which 8x8 has forgotten all that the run has read. */
export const YEARS_2_S = 2 * 365 * 86_400 + 86_400;

/** The commit that moves the legs' feed over a span that 8x8 no longer keeps. */
export function gapStep(plan: Plan, atS: number, span: { from: number; to: number }): Step {
  const told = { code: 'RETENTION_GAP', eventId: idOf('gap'), windowFrom: span.from, windowTo: span.to };
  const letter = { ...letterOf(plan), id: idOf('gap'), subject: 'gap', value: { ...letterOf(plan).value, ...told } };
  return step({ number: 8, generation: 2, atS, scan: 7, window: span, events: [letter] });
}

/** Makes one transaction of the first change that a person has made and what comes behind it. */
export function joinFirstChange(dumps: Writable<Dumps>): void {
  const { topic, offset } = dumps.committed.find(({ value }) => value?.['kind'] === 'RESET')!;
  const marker = dumps.log.find((entry) =>
    entry.topic === topic && entry.offset > offset && entry.marker !== undefined);
  dumps.log = dumps.log.filter((entry) => entry !== marker);
}
