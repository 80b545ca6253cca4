import { AFTER_RESET, answers, gapStep, legs, resetTo, row, take, YEARS_2_S, type Change } from './changes.ts';
import { published } from './good-events.ts';
import { makeRow, seconds } from './good-rows.ts';
import { asked, step, window } from './good-run.ts';

/** Changes that leave a run as good as it is: what a checker must not take for a violation. */
export const goodLogs: Readonly<Record<string, Change>> = {
  'a run that has seen every trouble': {},
  'a row that was to be read only once a reading had begun': { plan: (plan) => {
    plan.rows.push(makeRow(106, 1, 100, { visibleFromMs: seconds(340.5) }));
    plan.run = { ...plan.run, drainedAtMs: seconds(340) };
  } },
  'a row at the very beginning of the feed, for a bound may be exclusive': { plan: (plan) => {
    plan.rows.push(makeRow(106, 1, 0));
  } },
  'a row later than what is covered': { plan: (plan) => {
    plan.run = { ...plan.run, settings: { ...plan.run.settings, PACE_LOOKBACK: '60s' } };
    plan.rows.push(makeRow(106, 1, 100, { visibleFromMs: seconds(325) }));
    legs(plan, 7).window = window(250, 310);
    answers(plan, (lines) => lines.splice(-2, 1, asked('call-legs', 340, [250, 310])));
  } },
  'a row that was shown damaged, and not again while it is covered': { plan: (plan) => {
    plan.run = { ...plan.run, settings: { ...plan.run.settings, PACE_LOOKBACK: '60s' } };
    plan.rows.push(makeRow(106, 1, 100, { timesServed: 0, lastDamagedMs: seconds(340) }));
  } },
  'rows that 8x8 has denied in every reading': { plan: (plan) => {
    take(legs(plan, 4), 'acme/103/1');
    answers(plan, (lines) => {
      for (const line of lines.filter(({ endpoint, atMs }) => endpoint === 'call-legs' && atMs >= seconds(320))) {
        Object.assign(line, { fault: 'empty-page' });
      }
    });
    plan.run = { ...plan.run, drainedAtMs: seconds(305) };
  } },
  'a row that the user may not read': { plan: (plan) => {
    plan.run = { ...plan.run, forbiddenPbxIds: ['Secret'], settings: { ...plan.run.settings, EIGHT_PBX_IDS: 'acme' } };
    const { ledger, ...rest } = makeRow(106, 1, 100);
    plan.rows.push({ ...rest, ledger: { ...ledger, pbxId: 'Secret', key: 'Secret/106/1' } });
  } },
  'a reset that goes back, and a row that was forgotten': { plan: (plan) => {
    legs(plan, 7).forgets = legs(plan, 2);
    resetTo(plan, 5);
    plan.steps.push(step({ ...AFTER_RESET, window: window(5, 12), events: [published(row(plan, 101), 352)] }));
  } },
  'a reset of a watermark that was deleted, after which nobody knows where the feed had begun': { plan: (plan) => {
    plan.steps.splice(-2, 0, step({ number: 8, generation: 2, atS: 345, value: null }));
    resetTo(plan, 320);
    Object.assign(plan.steps.at(-1)!, { origin: 0, seenFrom: 0 });
  } },
  'a reset that goes forward over rows that nobody wants': { plan: (plan) => {
    resetTo(plan, 400);
    plan.rows.push(makeRow(106, 1, 350));
  } },
  'a gap over what 8x8 keeps no more': { plan: (plan) => {
    plan.steps.splice(-2, 0, gapStep(plan, YEARS_2_S, window(310, 330)));
    plan.rows.push(makeRow(106, 1, 315));
  } },
  'rows of a PBX that nobody has, where all PBXs are asked for': { plan: (plan) => {
    const stranger = makeRow(107, 1, 100);
    const strange = { ...stranger.ledger.revisions[0]!.row, pbxId: 'acme', callId: '107' };
    answers(plan, (lines) => lines.splice(1, 1, { ...lines[1]!, strange: [...lines[1]!.strange, strange] }));
    legs(plan, 2).events.push(published({ ...stranger, event: { ...stranger.event, pbxId: 'acme' } }, 301));
  } },
  'a reader that has seen an offset which compaction took away later': { dumps: (dumps) => {
    const { topic } = dumps.committed.find(({ value }) => value?.['kind'] === 'HEAD')!;
    dumps.prefix = [...dumps.prefix, ...dumps.committed.filter((record) => record.topic === topic)];
    const first = dumps.committed.findIndex(({ value }) => value?.['kind'] === 'HEAD');
    const { offset } = dumps.committed[first]!;
    const gone = (record: { topic: string; offset: number }): boolean =>
      record.topic === topic && record.offset === offset;
    dumps.committed = dumps.committed.filter((record) => !gone(record));
    dumps.uncommitted = dumps.uncommitted.filter((record) => !gone(record));
    dumps.log = dumps.log.filter((record) => !gone(record));
  } },
};
