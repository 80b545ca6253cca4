import { answers, legs, row, type Change } from './changes.ts';
import type { InvariantId } from './check.ts';
import { published, type PlannedEvent } from './good-events.ts';
import { under } from './good-history.ts';
import { makeRow, seconds } from './good-rows.ts';
import { asked, step, window, type Plan, type Step } from './good-run.ts';

const NAME = 'deep-60s';

/** A row that is shown when the live feed does not sweep over its time any more. */
const late = () => makeRow(206, 1, 150, { visibleFromMs: seconds(390) });

type Span = readonly [fromS: number, toS: number];

interface DeepSweep {
  readonly begin: Step;
  readonly page: Step;
  readonly end: Step;
}

/**
 * A deep sweep of the legs' feed at the age of a minute. Its live feed has forgotten what it has published first, but
 * for fingerprints, and sweeps over what ended at 250 s or later.
 */
function deepSweep(plan: Plan, found: readonly PlannedEvent[] = [], readS: Span = [23, 200], atS = 400): DeepSweep {
  Object.assign(legs(plan, 7), { seenFrom: seconds(250), remembered: seconds(0), forgets: legs(plan, 2), seals: true });
  answers(plan, (lines) => lines.push(asked('call-legs', atS + 1, readS)));
  const own = { pass: NAME, generation: 4, origin: seconds(25), seenFrom: seconds(25) };
  const read = window(...readS);
  const events = found.map((event) => under(NAME, event));
  const steps = {
    begin: step({ ...own, number: 1, atS, watermark: seconds(25) }),
    page: step({ ...own, number: 2, scan: 1, atS: atS + 2, watermark: seconds(25), window: read, events }),
    end: step({ ...own, number: 3, scan: 1, atS: atS + 3, window: read }),
  };
  plan.steps.push(...Object.values(steps));
  return steps;
}

/** A deep sweep that finds a row. */
function finding(plan: Plan): DeepSweep {
  plan.rows.push(late());
  return deepSweep(plan, [published(late(), 401)]);
}

/** Deep sweeps as they are meant to be. */
export const goodDeepSweeps: Readonly<Record<string, Change>> = {
  'a deep sweep that finds a row': { plan: (plan) => void finding(plan) },
  'a deep sweep that is paused and resumed': { plan: (plan) => {
    const { end: { generation, origin, seenFrom, watermark } } = finding(plan);
    const own = { pass: NAME, origin, seenFrom, watermark, generation: generation + 1 };
    plan.steps.push(
      step({ kind: 'barrier', generation: own.generation, atS: 410 }),
      step({ ...own, kind: 'reset', change: 'pause', state: 'PAUSED', number: 60, atS: 410 }),
      step({ ...own, kind: 'reset', change: 'resume', number: 61, atS: 411 }),
    );
  } },
  'a deep sweep that passes what its live feed does not remember any more': { plan: (plan) => {
    const { end: { generation, origin } } = finding(plan);
    const own = { pass: NAME, origin, generation, seenFrom: seconds(220) };
    const edge = { watermark: seconds(310), seenFrom: seconds(250), remembered: seconds(219.5) };
    answers(plan, (lines) => lines.push(asked('call-legs', 407, [218, 240])));
    plan.steps.push(
      step({ ...edge, number: 8, generation, atS: 405 }),
      step({ ...own, number: 4, atS: 406, watermark: seconds(220) }),
      step({ ...own, number: 5, scan: 4, atS: 408, window: window(218, 240) }),
    );
  } },
};

/** Deep sweeps that are not as they are meant to be; see `badLogs`. */
export const badDeepSweeps: readonly (readonly [what: string, caughtBy: readonly InvariantId[], change: Change])[] = [
  ['a deep sweep that leaves a row out', ['I5'], { plan: (plan) => {
    plan.rows.push(late());
    deepSweep(plan);
  } }],
  ['a deep sweep that publishes again what its live feed has sealed', ['I2'], { plan: (plan) => {
    deepSweep(plan, [published(row(plan, 105), 401)]);
  } }],
  ['a row that 8x8 has moved, and whose fingerprint a deep sweep did not know', ['I2'], { plan: (plan) => {
    const [before, after] = [makeRow(207, 1, 60), makeRow(207, 1, 90)];
    const moved = { ...after.ledger.revisions[0]!, visibleFromMs: seconds(395) };
    plan.rows.push({ ...before, ledger: { ...before.ledger, revisions: [...before.ledger.revisions, moved] } });
    legs(plan, 2).events.push(published(before, 301));
    deepSweep(plan, [published(after, 401)]);
  } }],
  ['fingerprints that nobody counts', ['I3'], { plan: (plan) => {
    finding(plan);
    legs(plan, 7).says = { seenKeys: 2 };
  } }],
  ['a deep sweep that reads what its live feed still sweeps over', ['I20'], { plan: (plan) => {
    deepSweep(plan, [], [23, 255]);
  } }],
  ['a deep sweep that comes before its rows have the age', ['I20'], { plan: (plan) => {
    deepSweep(plan, [], [23, 245], 298);
  } }],
  ['a deep sweep that begins where nothing is remembered', ['I11'], { plan: (plan) => {
    finding(plan);
    legs(plan, 7).remembered = seconds(26);
  } }],
  ['a deep sweep that passes unread what is remembered', ['I11'], { plan: (plan) => {
    const { begin } = finding(plan);
    const { generation, origin } = begin;
    const to = seconds(210);
    plan.steps.push(step({ pass: NAME, generation, origin, number: 4, atS: 404, seenFrom: to, watermark: to }));
  } }],
  ['a deep sweep that is cancelled', ['I20'], { plan: (plan) => {
    const { end: { origin, seenFrom, watermark } } = finding(plan);
    const own = { pass: NAME, origin, seenFrom, watermark, generation: 4, number: 60, atS: 410 };
    plan.steps.push(step({ ...own, kind: 'reset', change: 'cancel', state: 'CANCELLED' }));
  } }],
];
