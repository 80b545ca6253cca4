import { events, type Change } from './changes.ts';
import type { Plan } from './good-run.ts';

const HIDDEN = /^((caller|callee)Name|callerId|sipCallId|masterSlaveExts|accountCode|aaPath|(record|barge)ServiceOn)$/;
const NUMBERS = /^(caller|callee|dnis|lra)$/;

/** All events as `PRIVACY_PRESET=strict` would have them: one number has one pseudonym. */
function hide(plan: Plan): void {
  plan.run = { ...plan.run, settings: { ...plan.run.settings, PRIVACY_PRESET: 'strict' } };
  for (const event of events(plan).filter(({ topic }) => topic !== 'rejected')) {
    event.value = Object.fromEntries(Object.entries(event.value).map(([name, text]) => {
      if (HIDDEN.test(name)) return [name, null];
      return [name, NUMBERS.test(name) && text ? String(text).replace('+', '').padEnd(22, '_') : text];
    }));
  }
}

export const goodPrivacy: Readonly<Record<string, Change>> = {
  'a run with nothing of a person in its events': { plan: hide },
};

export const badPrivacy: readonly (readonly [what: string, caughtBy: readonly string[], change: Change])[] = [
  ['a policy that one event has not heard of', ['I4', 'I14'], { plan: (plan) => {
    hide(plan);
    Object.assign(events(plan).find(({ topic }) => topic === 'call-legs')!.value, { callerName: 'MARK SMITH' });
  } }],
  ['a number that came through a policy', ['I4'], { plan: (plan) => {
    hide(plan);
    Object.assign(events(plan).find(({ topic }) => topic === 'call-records')!.value, { caller: '+15555551220' });
  } }],
];
