import type { Call, Leg, Party } from './call.ts';
import type { Random } from './random.ts';
import { extension, external, queue, ringGroup } from './people.ts';

/** What a scenario gets to fill: a span of time and chance. All legs end by `startMs + lifeMs`. */
export interface Draft {
  readonly random: Random;
  readonly startMs: number;
  /** At least {@link LIFE_MIN_MS}. */
  readonly lifeMs: number;
  newCallId(): number;
}

/** Shortest call that still has room for a menu, a queue, an offer and a talk. */
export const LIFE_MIN_MS = 4_000;

type Scenario = (draft: Draft) => readonly Call[];

/** Leg structures as seen in public clients' regression data and in 8x8's own call detail scenarios. */
export const scenarios: readonly { readonly name: string; readonly weight: number; readonly make: Scenario }[] = [
  { name: 'answered', weight: 25, make: answered },
  { name: 'voicemail', weight: 12, make: voicemail },
  { name: 'queue-answered', weight: 18, make: queueAnswered },
  { name: 'queue-abandoned', weight: 8, make: queueAbandoned },
  { name: 'ring-group', weight: 8, make: ringGroupCall },
  { name: 'transfer', weight: 5, make: transfer },
  { name: 'outbound', weight: 12, make: outbound },
  { name: 'forked', weight: 4, make: forked },
  { name: 'internal', weight: 8, make: internal },
];

/** A call with a record but no legs, as calls that overflow to external mobiles are seen to be. */
export function legless(draft: Draft): readonly Call[] {
  const [call] = answered(draft);
  return [{ ...call!, legs: [] }];
}

function answered(draft: Draft): readonly Call[] {
  const line = new Line(draft, external(draft.random), extension(draft.random));
  const connectMs = line.startMs + line.ringMs();
  return [makeCall(draft, [line.talk({ connectMs, holdMs: line.holdMs(draft.lifeMs / 4) })])];
}

/** Half of them as in 8x8's sample, one leg; half as two legs with the same call id. */
function voicemail(draft: Draft): readonly Call[] {
  const owner = extension(draft.random);
  const line = new Line(draft, external(draft.random), owner);
  const ringEndMs = line.startMs + line.ringMs();
  const box = { missed: true, cause: 'Ring No Answer', service: 'VMadvanced', disposition: 'Voicemail' };
  if (draft.random.chance(0.5)) return [makeCall(draft, [line.leg({ connectMs: ringEndMs, ...box })])];
  return [makeCall(draft, [
    line.leg({ endMs: ringEndMs, missed: true, abandoned: true, cause: 'Ring No Answer', disposition: 'Missed' }),
    line.leg({ ...box, legId: 2, startMs: ringEndMs, connectMs: ringEndMs + 40,
      callee: `Voicemail (${owner.number})` }),
  ])];
}

/** Attendant, menu, queue, agent: each leg starts when the last one stops; each offer is a call of its own. */
function queueAnswered(draft: Draft): readonly Call[] {
  const agent = extension(draft.random);
  const waiting = waitInQueue(draft);
  const { line, place, queueEndMs } = waiting;
  const agentLeg = line.talk({
    legId: 4, startMs: queueEndMs, connectMs: queueEndMs + 35, callee: agent.number, calleeName: agent.name,
    lra: place.number, lraType: 4, holdMs: line.holdMs((line.endMs - queueEndMs) / 4),
  });
  const rootId = draft.newCallId();
  const offers = missedOffers(draft, waiting, rootId, draft.random.whole(0, 2));
  const taken = makeOffer(draft, { place, agent, rootId, startMs: queueEndMs - 900, connectMs: queueEndMs });
  const children = [...offers, taken];
  const root = makeCall(draft, [...waiting.legs, agentLeg], { callId: rootId, childLegCount: children.length });
  return [root, ...children];
}

function queueAbandoned(draft: Draft): readonly Call[] {
  const waiting = waitInQueue(draft, draft.startMs + draft.lifeMs);
  const [intro, menu, queued] = waiting.legs as [Leg, Leg, Leg];
  const lost: Leg = { ...queued, missed: true, abandoned: true, answered: false, disposition: 'Missed' };
  const rootId = draft.newCallId();
  const children = missedOffers(draft, waiting, rootId, draft.random.whole(0, 2));
  const shape = { callId: rootId, abandoned: true, childLegCount: children.length };
  return [makeCall(draft, [intro, menu, lost], shape), ...children];
}

/** Members ring at the same time; leg ids have gaps, as real ones do. */
function ringGroupCall(draft: Draft): readonly Call[] {
  const group = ringGroup(draft.random);
  const line = new Line(draft, external(draft.random), group);
  const pickedUpMs = line.startMs + line.ringMs();
  const members = Array.from({ length: draft.random.whole(2, 4) }, () => extension(draft.random));
  const winner = draft.random.whole(0, members.length - 1);
  const taken = draft.random.chance(0.8);
  const rings = members.map((member, index) => {
    const to = { legId: 3 + 3 * index, startMs: line.startMs + index, callee: member.number, calleeName: member.name,
      lra: group.number, lraType: 3 };
    if (taken && index === winner) return line.talk({ ...to, connectMs: pickedUpMs });
    return line.leg({ ...to, endMs: pickedUpMs, missed: true, abandoned: !taken, disposition: 'Missed',
      cause: taken ? 'Redirected' : 'Ring No Answer' });
  });
  const first = line.leg({ endMs: pickedUpMs, lra: group.number, lraType: 3, cause: 'Redirected', answered: taken,
    missed: !taken, disposition: taken ? 'Connected' : 'Missed', callee: `RingGroup (${group.number})` });
  return [makeCall(draft, [first, ...rings], { abandoned: !taken })];
}

/** Two calls: the second names the first in `transferToCallId` and has a record of its own. */
function transfer(draft: Draft): readonly Call[] {
  const caller = external(draft.random);
  const line = new Line(draft, caller, extension(draft.random));
  const movedMs = draft.startMs + Math.floor(draft.lifeMs / 2);
  const rest = { ...draft, startMs: movedMs, lifeMs: draft.startMs + draft.lifeMs - movedMs };
  const second = new Line(rest, caller, extension(draft.random));
  const first = makeCall(draft,
    [line.talk({ connectMs: line.startMs + Math.min(line.ringMs(), 1_000), endMs: movedMs, cause: 'Transfer' })]);
  return [first, makeCall(rest, [second.talk({ connectMs: second.startMs + Math.min(second.ringMs(), 500) })],
    { transferToCallId: first.callId })];
}

function outbound(draft: Draft): readonly Call[] {
  const caller = extension(draft.random);
  const line = new Line(draft, caller, external(draft.random));
  const connectMs = line.startMs + line.ringMs();
  const legs = [line.talk({ connectMs, direction: 'Outgoing' })];
  if (draft.random.chance(0.5)) {
    legs.push(line.leg({ legId: 2, startMs: connectMs, connectMs: connectMs + 5, direction: 'Internal', answered: true,
      callee: 'CallRecording', calleeName: '', disposition: 'Connected' }));
  }
  return [makeCall(draft, legs)];
}

/** One extension, several devices: a forking leg and one leg per device. */
function forked(draft: Draft): readonly Call[] {
  const owner = extension(draft.random);
  const line = new Line(draft, external(draft.random), owner);
  const pickedUpMs = line.startMs + line.ringMs();
  return [makeCall(draft, [
    line.leg({ endMs: pickedUpMs, callee: `CallForking (${owner.number})`, cause: 'Redirected' }),
    line.leg({ legId: 2, startMs: line.startMs + 1, endMs: pickedUpMs, missed: true, cause: 'Redirected',
      disposition: 'Missed' }),
    line.talk({ legId: 3, startMs: line.startMs + 2, connectMs: pickedUpMs }),
  ])];
}

function internal(draft: Draft): readonly Call[] {
  const line = new Line(draft, extension(draft.random), extension(draft.random));
  const connectMs = line.startMs + line.ringMs();
  if (draft.random.chance(0.7)) return [makeCall(draft, [line.talk({ connectMs, direction: 'Internal' })])];
  const lost = line.leg({ direction: 'Internal', missed: true, abandoned: true, cause: 'Ring No Answer',
    disposition: 'Missed' });
  return [makeCall(draft, [lost], { abandoned: true })];
}

/** The legs before an agent answers, and where the queue leg ends. */
interface Waiting {
  readonly line: Line;
  readonly place: Party;
  readonly queueStartMs: number;
  readonly queueEndMs: number;
  readonly legs: readonly Leg[];
}

function waitInQueue(draft: Draft, queueEndMs = draft.startMs + Math.floor(draft.lifeMs * 0.6)): Waiting {
  const place = queue(draft.random);
  const line = new Line(draft, external(draft.random), place);
  const menuStartMs = line.startMs + Math.floor(draft.lifeMs * 0.1);
  const queueStartMs = line.startMs + Math.floor(draft.lifeMs * 0.2);
  const attendant = { answered: true, cause: 'Redirected', disposition: 'Connected', lra: '', lraType: 0 };
  const legs = [
    line.leg({ ...attendant, connectMs: line.startMs + 20, endMs: menuStartMs, callee: 'AutoAttendant',
      calleeName: 'Welcome' }),
    line.leg({ ...attendant, legId: 2, startMs: menuStartMs, connectMs: menuStartMs + 15, endMs: queueStartMs,
      callee: 'AutoAttendant (Menu)', calleeName: 'Main Menu' }),
    line.leg({ legId: 3, startMs: queueStartMs, connectMs: queueStartMs + 150, endMs: queueEndMs, answered: true,
      callee: `CallQueue (${place.number})`, lra: place.number, lraType: 4, service: 'ACDOperatorService',
      disposition: 'Connected' }),
  ];
  return { line, place, queueStartMs, queueEndMs, legs };
}

function missedOffers(draft: Draft, waiting: Waiting, rootId: number, count: number): readonly Call[] {
  const roomMs = waiting.queueEndMs - 900 - waiting.queueStartMs;
  return Array.from({ length: count }, (_, index) => {
    const startMs = waiting.queueStartMs + Math.floor((roomMs * index) / count);
    return makeOffer(draft, { place: waiting.place, agent: extension(draft.random), rootId, startMs, connectMs: 0 });
  });
}

/** `connectMs` 0: the agent did not pick up. */
interface Offer {
  readonly place: Party;
  readonly agent: Party;
  readonly rootId: number;
  readonly startMs: number;
  readonly connectMs: number;
}

function makeOffer(draft: Draft, { place, agent, rootId, startMs, connectMs }: Offer): Call {
  const lifeMs = draft.startMs + draft.lifeMs - startMs;
  const rest = { ...draft, startMs, lifeMs: connectMs === 0 ? Math.min(lifeMs, 800) : lifeMs };
  const line = new Line(rest, place, agent);
  const from = { caller: `CallQueue (${place.number})`, direction: 'Internal', lra: place.number, lraType: 4 } as const;
  const leg = connectMs === 0
    ? line.leg({ ...from, missed: true, cause: 'Ring No Answer', disposition: 'Missed' })
    : line.talk({ ...from, connectMs });
  return { ...makeCall(rest, [leg]), parentCallId: rootId, story: [] };
}

/** Between two parties: legs that differ from the common ones only in what they name. */
class Line {
  readonly startMs: number;
  readonly endMs: number;
  readonly #draft: Draft;
  readonly #common: Leg;

  constructor(draft: Draft, caller: Party, callee: Party) {
    this.#draft = draft;
    this.startMs = draft.startMs + draft.random.whole(4, 9);
    this.endMs = draft.startMs + draft.lifeMs;
    this.#common = {
      legId: 1, startMs: this.startMs, connectMs: 0, endMs: this.endMs, talkMs: 0, holdMs: 0,
      caller: caller.number, callerName: caller.name, callerId: `${caller.name},${caller.number}`,
      callee: callee.number, calleeName: callee.name, direction: 'Incoming',
      missed: false, abandoned: false, answered: false, cause: 'Normal', lra: callee.number, lraType: 1,
      service: null, disposition: 'Connected',
    };
  }

  leg(change: Partial<Leg>): Leg {
    return { ...this.#common, ...change };
  }

  /** An answered leg: it talks from its connect to its end. */
  talk(change: Partial<Leg> & { readonly connectMs: number }): Leg {
    const endMs = change.endMs ?? this.endMs;
    return this.leg({ ...change, answered: true, talkMs: endMs - change.connectMs });
  }

  ringMs(): number {
    return this.#draft.random.whole(30, Math.min(20_000, Math.floor(this.#draft.lifeMs * 0.4)));
  }

  /** Most calls hold nothing. */
  holdMs(mostMs: number): number {
    return this.#draft.random.chance(0.15) ? this.#draft.random.whole(1, Math.floor(mostMs)) : 0;
  }
}

const DEPARTMENTS = ['Sales Engineering', 'East Office', 'Support', 'Billing', 'Front Desk'];
const BRANCHES = ['Central', 'East Coast', 'Züri'];

function makeCall(draft: Draft, legs: readonly Leg[], shape: Partial<Call> = {}): Call {
  const { random } = draft;
  const lastMs = Math.max(...legs.map((leg) => leg.endMs));
  return {
    callId: shape.callId ?? draft.newCallId(),
    parentCallId: null,
    transferToCallId: null,
    startMs: draft.startMs,
    endMs: lastMs + (random.chance(0.3) ? 1 : 0),
    dnis: legs[0]!.callee.startsWith('+') ? legs[0]!.callee.slice(1) : `1555013${random.whole(1000, 9999)}`,
    sipCallId: `${random.whole(1e8, 1e9 - 1)}_${draft.startMs % 1e8}@192.0.2.${random.whole(1, 254)}`,
    departments: random.chance(0.1) ? null : [random.pick(DEPARTMENTS)],
    branches: random.chance(0.1) ? null : [random.pick(BRANCHES)],
    legs,
    story: legs,
    abandoned: false,
    childLegCount: 0,
    ...shape,
  };
}
