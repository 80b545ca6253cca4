import {
  badCredentials, badParameter, expiredToken, htmlAnswer, invalidApiKey, jsonAnswer, malformedToken, pbxForbidden,
  Refusal, serverError, tooManyRequests, type Answer,
} from '../../src/simulator/answers.ts';
import { answerTokenCall } from '../../src/simulator/endpoints.ts';
import { settleOptions } from '../../src/simulator/options.ts';
import { hashNumbers, Random } from '../../src/simulator/random.ts';
import { readReportRequest } from '../../src/simulator/report-request.ts';
import type { Report } from '../../src/simulator/rows.ts';
import { createWorld, type World } from '../../src/simulator/world.ts';
import { Faults, type Outage, type RequestFault } from './faults.ts';
import type { WorldPlan } from './plan.ts';
import { count, type Silence, type Trace } from './trace.ts';
import type { Truth } from './truth.ts';
import type { VirtualTime } from './virtual-time.ts';
import type { Asked, WireAnswer } from './wire.ts';
import { WorldReport } from './world-report.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** 8x8 may lock a user whose login is tried more often. */
const LOGIN_REST_MS = 5 * MINUTE;

/** What every host proves itself with. */
export const credentials = { apiKey: 'eght_world_key', username: 'world@example.com', password: 'world password' };

export const BASE_URL = 'https://8x8.world/analytics/work';
const TOKEN_PATH = '/analytics/work/v1/oauth/token';

/** 8x8 as all hosts ask it: the simulator's answers, made of the truth, and what goes wrong with each request. */
export class WorldApi {
  /** How 8x8 is away at the moment. */
  outage: Outage | undefined;
  /** From now on nothing goes wrong. */
  healed = false;
  readonly #plan: WorldPlan;
  readonly #time: VirtualTime;
  readonly #trace: Trace;
  readonly #random: Random;
  readonly #faults: Faults;
  /** The simulator's tokens, refusals and reading of requests. It has no calls and no faults of its own. */
  readonly #simulator: World;
  readonly #report: WorldReport;

  constructor(plan: WorldPlan, time: VirtualTime, truth: Truth, trace: Trace) {
    this.#plan = plan;
    this.#time = time;
    this.#trace = trace;
    this.#random = new Random(hashNumbers([plan.seed, 2]));
    this.#faults = new Faults(plan.faults, this.#random);
    this.#simulator = createWorld(settleOptions({
      ...plan, ...credentials, legCount: plan.legCount ?? 'own', faults: 'off', startedAtMs: plan.startMs,
      clock: { nowMs: () => time.nowMs(), sleep: (ms, signal) => time.sleep(ms, signal) },
    }));
    this.#report = new WorldReport({ plan, time, truth, trace, faults: this.#faults, random: this.#random });
  }

  answer(asked: Asked): WireAnswer {
    if (this.outage !== undefined) return this.#answerOutage(asked, this.outage);
    const fault = this.healed ? undefined : this.#faults.ofRequest();
    if (fault === undefined) return this.#answerWell(asked, undefined);
    const spoil = this.#spoilOf(fault, asked);
    if (spoil === undefined && isLogin(asked)) return this.#answerWell(asked, undefined);
    if (spoil !== undefined) count(this.#trace, fault);
    return spoil?.() ?? this.#answerWell(asked, fault);
  }

  /** What lies in the transport, or in front of 8x8; the rest is for those who read the request. */
  #spoilOf(fault: RequestFault, asked: Asked): (() => WireAnswer) | undefined {
    const well = (): WireAnswer => this.#answerWell(asked, undefined);
    const spoils: Readonly<Partial<Record<RequestFault, () => WireAnswer>>> = {
      'throttled': () => this.#throttle(asked, this.#random.whole(0, this.#random.pick([MINUTE, 20 * MINUTE]))),
      'server-error': () => this.#serverError(),
      'reset': () => ({ ...whole(jsonAnswer(200, {})), delivery: 'reset' }),
      'hang': () => ({ ...whole(jsonAnswer(200, {})), delivery: 'none' }),
      'redirect': () => whole(jsonAnswer(302, {}, { location: 'https://elsewhere.invalid/' })),
      'html': () => whole(htmlAnswer(200, 'Sign in')),
      'out-of-shape': () => whole(jsonAnswer(200, this.#random.pick(OUT_OF_SHAPE))),
      'cut': () => unread(well(), 'cut'),
      'stalled-body': () => unread(well(), 'stalled'),
      'slow-body': () => ({ ...well(), delivery: 'slow' }),
      'truncated': () => withBody(well(), (body) => body.subarray(0, body.length * 0.6)),
      'not-utf8': () => withBody(well(), (body) => Buffer.concat([body, Buffer.of(0xff)])),
      'wrong-content-type': () => {
        const answer = unread(well(), 'whole');
        return { ...answer, headers: { ...answer.headers, 'content-type': 'text/html; charset=utf-8' } };
      },
    };
    return spoils[fault];
  }

  #answerWell(asked: Asked, fault: RequestFault | undefined): WireAnswer {
    const { headers, form } = asked;
    const apiKey = headers.get('8x8-apikey') ?? undefined;
    if (isLogin(asked)) return whole(answerTokenCall(this.#simulator, { apiKey, form }));
    if (apiKey !== credentials.apiKey) return whole(invalidApiKey());
    try {
      return this.#answerReport(asked, fault);
    } catch (error) {
      if (error instanceof Refusal) return whole(error.answer);
      throw error;
    }
  }

  #answerReport(asked: Asked, fault: RequestFault | undefined): WireAnswer {
    const { options, tokens } = this.#simulator;
    const { headers, url: { searchParams } } = asked;
    const report = asked.url.pathname.split('/').at(-1) as Report;
    const token = headers.get('authorization')?.replace('Bearer ', '') ?? '';
    const scrolling = searchParams.has('scrollId');

    const died = tokens.stateOf(token, this.#time.nowMs()) === 'expired';
    if (died && scrolling) count(this.#trace, 'token-died-in-scroll');
    if (fault === 'token-expired') tokens.expire(token);
    if (fault === 'token-revoked') tokens.revoke(token);
    const state = tokens.stateOf(token, this.#time.nowMs());
    if (fault === 'token-expired' || fault === 'token-revoked') count(this.#trace, fault);
    if (state === 'unknown') return whole(malformedToken());
    if (state === 'expired') return whole(expiredToken(token));
    if (fault === 'pbx-refused') {
      count(this.#trace, fault);
      return whole(pbxForbidden(options, report, searchParams.get('pbxId')!));
    }
    if (options.pageSizeRule === 'must-be-50' && searchParams.get('pageSize') !== '50') {
      count(this.#trace, 'page-size-refused');
    }
    const { query } = readReportRequest(this.#simulator, report, searchParams);
    const outlived = !this.healed && this.#report.ageMs(asked, query) > this.#plan.scrollLifeMs;
    if (scrolling && (outlived || fault === 'scroll-expired')) {
      count(this.#trace, outlived ? 'scroll-outlived' : 'scroll-expired');
      return whole(badParameter(options, report, 'scrollId is expired'));
    }
    return this.#report.answer(asked, query, this.healed);
  }

  #answerOutage(asked: Asked, outage: Outage): WireAnswer {
    switch (outage) {
      case 'no-connection': return { ...whole(jsonAnswer(200, {})), delivery: 'reset' };
      case 'no-answer': return { ...whole(jsonAnswer(200, {})), delivery: 'none' };
      case 'server-errors': return this.#serverError();
      case 'throttle-storm': return this.#throttle(asked, this.#random.whole(SECOND, 2 * MINUTE));
      case 'key-refused': return this.#refuse(asked, invalidApiKey());
      case 'login-refused': return this.#refuse(asked, isLogin(asked) ? badCredentials() : malformedToken());
    }
  }

  #serverError(): WireAnswer {
    return whole(serverError(this.#simulator.options, this.#random.pick([500, 502, 503, 504])));
  }

  /** A header in whole seconds asks for a little more than `waitMs`, none for nothing. */
  #throttle({ host }: Asked, waitMs: number): WireAnswer {
    const nowMs = this.#time.nowMs();
    const told = this.#plan.throttleStyle !== 'none';
    const answer = whole(tooManyRequests(this.#simulator.options, waitMs));
    return told ? this.#silence(answer, { host: host.number, logins: false, untilMs: nowMs + waitMs }) : answer;
  }

  #refuse(asked: Asked, refusal: Answer): WireAnswer {
    if (!isLogin(asked)) return whole(refusal);
    const untilMs = this.#time.nowMs() + LOGIN_REST_MS;
    return this.#silence(whole(refusal), { host: asked.host.number, logins: true, untilMs });
  }

  /** It begins when the host hears of it: what refuses a login is in the body. */
  #silence(answer: WireAnswer, silence: Omit<Silence, 'fromMs'>): WireAnswer {
    const begin = (): void => void this.#trace.silences.push({ ...silence, fromMs: this.#time.nowMs() });
    return { ...answer, [silence.logins ? 'onRead' : 'onHeaders']: begin };
  }
}

const OUT_OF_SHAPE: readonly unknown[] = [
  {}, [], null, 'text', { meta: {} }, { data: [] }, { meta: { scrollId: 'No Data' }, data: null },
  { meta: { scrollId: 'next' }, data: ['row'] }, { meta: {}, data: [{}] },
];

function isLogin({ url }: Asked): boolean {
  return url.pathname === TOKEN_PATH;
}

function whole({ status, headers, pieces }: Answer): WireAnswer {
  return { status, headers, pieces, delivery: 'whole' };
}

/** Rows that nobody can be expected to have read. */
function unread({ status, headers, pieces }: WireAnswer, delivery: WireAnswer['delivery']): WireAnswer {
  return { status, headers, pieces, delivery };
}

function withBody(answer: WireAnswer, change: (body: Buffer) => Buffer): WireAnswer {
  return { ...unread(answer, 'whole'), pieces: [change(Buffer.concat(answer.pieces))] };
}
