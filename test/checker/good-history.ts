import type { ReadRecord } from '../reader/topics.ts';
import { answers, legs, letterOf, row, type Writable } from './changes.ts';
import type { Dumps } from './dumps.ts';
import { placeOf } from './evidence.ts';
import { deadLetter, published, type PlannedEvent } from './good-events.ts';
import { makePoison, makeRow, seconds, type GoodRow } from './good-rows.ts';
import { asked, step, window, type Plan, type Step } from './good-run.ts';

/** What a pass over the history of the legs' feed is like; seconds count from where the live pass begins. */
export interface Pass {
  readonly name: string;
  readonly span: readonly [fromS: number, endS: number];
  readonly replay?: boolean;
  /** When it begins. */
  readonly atS: number;
}

/** A pass at work: each call adds what it names to the run. */
export interface Course {
  /** A person changes it: the owner is shut out, and another one takes over. */
  change(kind: string, more?: Partial<Step>): Step;
  /** A page of a window, with its events. */
  page(read: readonly [fromS: number, toS: number], events: readonly PlannedEvent[]): Step;
  /** The commit that ends the window of the last page, or another one. */
  end(read?: readonly [fromS: number, toS: number]): Step;
}

/** Lets a person begin a pass, unless `begun` is false: then its first commit comes from nowhere. */
export function course(plan: Plan, pass: Pass, begun = true): Course {
  const { name, span: [fromS, endS], replay = false } = pass;
  const history = { from: seconds(fromS), end: seconds(endS), replay };
  let [atS, number, state] = [pass.atS, 0, 'RUNNING'];
  let [watermark, scan, read] = [history.from, 0, [0, 0] as readonly [number, number]];
  const add = (some: Partial<Step>): Step => {
    const generation = Math.max(...plan.steps.map((one) => one.generation));
    number = some.number ?? number + 1;
    const own = { pass: name, plan: { ...history }, state, origin: history.from, seenFrom: history.from };
    const one = step({ ...own, generation, atS, watermark, ...some, number });
    plan.steps.push(one);
    atS += 1;
    return one;
  };
  const takeOver = (): void => {
    const generation = Math.max(...plan.steps.map((one) => one.generation)) + 1;
    plan.steps.push(step({ kind: 'barrier', generation, atS }));
  };
  const change = (kind: string, more: Partial<Step> = {}): Step => {
    takeOver();
    state = ({ pause: 'PAUSED', cancel: 'CANCELLED' } as Record<string, string>)[kind] ?? 'RUNNING';
    const one = add({ kind: 'reset', change: kind, number: number + 40, ...more });
    takeOver();
    return one;
  };
  if (begun) change('begin');
  else add({});
  return {
    change,
    page(asks, events) {
      [scan, read] = [number, asks];
      answers(plan, (lines) => lines.push(asked('call-legs', atS, asks)));
      return add({ scan, window: window(...read), events: [...events] });
    },
    end(asks = read) {
      if (asks !== read) {
        answers(plan, (lines) => lines.push(asked('call-legs', atS, asks)));
        [scan, read] = [number, asks];
      }
      watermark = seconds(read[1]);
      return add({ scan, window: window(...read) });
    },
  };
}

/** What a pass has published: the same event, under its name. */
export function under(name: string, event: PlannedEvent): PlannedEvent {
  return { ...event, value: { ...event.value, pass: name } };
}

/** Rows of the 100 seconds before the live pass begins; one of the first second of its own, which it has published. */
export function addHistory(plan: Plan): readonly GoodRow[] {
  const [one, two, seam] = [makeRow(201, 1, -60), makeRow(202, 1, -20), makeRow(203, 1, 1)];
  const rows = [one, two, seam];
  plan.rows.push(...rows);
  legs(plan, 2).events.push(published(seam, 301));
  return rows;
}

export const BACKFILL: Pass = { name: 'history', span: [-100, 0], atS: 400 };
export const REPLAY: Pass = { name: 'again', span: [5, 290], replay: true, atS: 400 };

/** A backfill in two windows, up to the last commit of the second. */
export function backfill(plan: Plan, pass = BACKFILL): Course {
  const [one, two] = addHistory(plan);
  const going = course(plan, pass);
  going.page([-102, -40], [under(pass.name, published(one!, pass.atS + 1))]);
  going.end();
  going.page([-42, 2], [under(pass.name, published(two!, pass.atS + 3))]);
  return going;
}

/** A replay of all that the live pass has read by then, up to its last page: rows as they are now, and a bad row. */
export function replay(plan: Plan): { readonly going: Course; readonly page: Step } {
  const going = course(plan, REPLAY);
  const read = window(3, 292);
  const [again, changed] = [[101, 103, 105].flatMap((call) => plan.rows.filter(({ ledger, endMs }) =>
    ledger.report === 'call-legs' && ledger.key.startsWith(`Acme/${call}`) && endMs < seconds(290))), row(plan, 102)];
  const told = [...again.map((one) => published(one, 402)), changedNow(changed)];
  const letter = letterOf(plan);
  const bad = { ...letter, value: { ...letter.value, windowFrom: read.from, windowTo: read.to } };
  const page = going.page([3, 292], [...told.map((event) => under('again', event)), bad]);
  return { going, page };
}

/** Where {@link toOwnTopic} has a replay put its rows. */
export const OWN_TOPIC = 'c.again';

/** As if the replay had been told to put its rows in a topic of its own. */
export function toOwnTopic(dumps: Writable<Dumps>, goesThere = isOfReplay): void {
  const move = (record: ReadRecord): ReadRecord => {
    const { topic, value } = record;
    if (topic === 'c.call-legs' && goesThere(record)) return { ...record, topic: OWN_TOPIC };
    return value?.['plan'] ? { ...record, value: { ...value, plan: { ...value['plan'], topic: OWN_TOPIC } } } : record;
  };
  const places = new Set(dumps.committed.filter((record) => move(record).topic === OWN_TOPIC).map(placeOf));
  dumps.run = { ...dumps.run, replayTopics: { [OWN_TOPIC]: 'call-legs' } };
  for (const name of ['committed', 'uncommitted', 'prefix'] as const) dumps[name] = dumps[name].map(move);
  dumps.log = dumps.log.map((entry) => (places.has(placeOf(entry)) ? { ...entry, topic: OWN_TOPIC } : entry));
}

export function isOfReplay({ headers }: ReadRecord): boolean {
  return headers['ce_commit']?.includes('/again/') === true;
}

/** A pass that has never seen the row publishes its content of now as the first. */
function changedNow(changed: GoodRow): PlannedEvent {
  const first = published(changed, 402);
  const id = `${first.id.slice(0, -4)}0102`;
  return { ...first, id, value: { ...first.value, eventId: id, status: 'Changed' } };
}

/** A row that nobody can map in the seam of the backfill and the live pass, which has told of it. */
export function seamPoison(plan: Plan): GoodRow {
  const poison = makePoison(204, -1);
  plan.rows.push(poison);
  const read = window(-2, 240);
  for (const number of [2, 3]) legs(plan, number).window = read;
  const { events } = legs(plan, 2);
  for (const { topic, value } of events) if (topic === 'rejected') Object.assign(value, { windowFrom: read.from });
  events.push(deadLetter(poison, read, 301));
  return poison;
}

/** A person begins backfills of both feeds. */
export function beginTwo(plan: Plan): void {
  course(plan, BACKFILL);
  const owner = plan.steps.pop()!;
  plan.steps.push({ ...plan.steps.at(-1)!, report: 'call-records' }, owner);
}
