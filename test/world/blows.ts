import { hashNumbers, Random } from '../../src/simulator/random.ts';
import { OUTAGES } from './faults.ts';
import type { Host } from './host.ts';
import { count, type Trouble } from './trace.ts';
import type { RunningWorker, World } from './world.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** After this time without a sign of life the group gives a host's shards to the others. */
const SESSION_TIMEOUT_MS = 10 * SECOND;

const KINDS = [
  'worker-killed', 'worker-killed', 'worker-stopped', 'worker-frozen', 'worker-frozen', 'shards-moved', 'shards-moved',
  'all-workers-down', 'bus-outage', 'clock-ahead', 'clock-behind', ...OUTAGES,
] as const satisfies readonly Trouble[];

/** What strikes a world as a whole, at moments that its seed decides; {@link Blows.heal} makes all good again. */
export class Blows {
  readonly #world: World;
  readonly #random: Random;
  readonly #undo = new Set<() => void>();
  #healed = false;

  constructor(world: World) {
    this.#world = world;
    const { plan, time } = world;
    this.#random = new Random(hashNumbers([plan.seed, 5]));
    for (let blow = 0; blow < plan.blows; blow += 1) {
      time.after(this.#random.whole(0, plan.healMs - plan.startMs - SECOND), () => this.#strike());
    }
  }

  heal(): void {
    const { world, undo } = { world: this.#world, undo: [...this.#undo] };
    this.#healed = true;
    world.api.healed = world.wire.healed = world.bus.healed = true;
    for (const act of undo) act();
    for (const { host } of world.workers) host.offsetMs = 0;
    if (world.workers.size === 0) world.start();
  }

  #strike(): void {
    const kind = this.#random.pick(KINDS);
    const { plan, workers, api, bus } = this.#world;
    const worker = [...workers][this.#random.whole(0, Math.max(workers.size - 1, 0))];
    if (worker === undefined) return;
    const { host } = worker;
    switch (kind) {
      case 'worker-killed':
        this.#kill(worker);
        this.#later(this.#random.whole(SECOND, HOUR), () => this.#world.start());
        break;
      case 'worker-stopped':
        workers.delete(worker);
        host.thaw();
        worker.stop();
        this.#later(this.#random.whole(SECOND, 30 * MINUTE), () => this.#world.start());
        break;
      case 'worker-frozen':
        if (host.state !== 'running') return;
        this.#freeze(worker);
        break;
      case 'shards-moved':
        bus.dealOut();
        break;
      case 'all-workers-down':
        for (const each of [...workers]) this.#kill(each);
        this.#later(this.#random.whole(10 * MINUTE, 4 * HOUR), () => this.#startAll());
        break;
      case 'bus-outage':
        bus.down = true;
        this.#later(this.#random.whole(10 * SECOND, HOUR), () => (bus.down = false));
        break;
      case 'clock-ahead':
        if (plan.clockAheadMaxMs === 0) return;
        this.#setClock(host, this.#random.whole(1, plan.clockAheadMaxMs));
        break;
      case 'clock-behind':
        if (plan.clockBehindMaxMs === 0) return;
        this.#setClock(host, -this.#random.whole(1, plan.clockBehindMaxMs));
        break;
      case 'no-connection':
      case 'no-answer':
      case 'server-errors':
      case 'throttle-storm':
      case 'login-refused':
      case 'key-refused':
        api.outage = kind;
        this.#later(this.#random.whole(MINUTE, 4 * HOUR), () => (api.outage = undefined));
        break;
    }
    count(this.#world.trace, kind);
  }

  /** Sooner or later somebody notices and sets it right, or it stays as it is until the world heals. */
  #setClock(host: Host, offsetMs: number): void {
    host.offsetMs = offsetMs;
    const wrongMs = this.#random.pick([20 * SECOND, 30 * MINUTE, 4 * HOUR]);
    this.#later(this.#random.whole(SECOND, wrongMs), () => {
      if (host.offsetMs !== offsetMs) return;
      host.offsetMs = 0;
      count(this.#world.trace, 'clock-set-right');
    });
  }

  /** The group notices only when the session times out; what was sent before still arrives. */
  #kill(worker: RunningWorker): void {
    const { workers, bus } = this.#world;
    workers.delete(worker);
    worker.host.kill();
    this.#later(SESSION_TIMEOUT_MS, () => bus.expel(worker.host));
  }

  /** A pause: if it is long, the shards are another's when the host comes back, and it does not know. */
  #freeze({ host }: RunningWorker): void {
    const { bus, trace } = this.#world;
    const member = bus.memberOf(host);
    host.freeze();
    const pauseMs = this.#random.whole(SECOND, this.#random.pick([30 * SECOND, 20 * MINUTE]));
    const expelled = pauseMs > SESSION_TIMEOUT_MS;
    if (expelled) this.#later(SESSION_TIMEOUT_MS, () => bus.expel(host));
    this.#later(pauseMs, () => {
      if (host.state !== 'frozen') return;
      host.thaw();
      if (!expelled) return;
      count(trace, 'zombie-returned');
      bus.readmit(host, member);
    });
  }

  #startAll(): void {
    for (let host = this.#world.workers.size; host < this.#world.plan.hostCount; host += 1) this.#world.start();
  }

  /** After `delayMs`, or when the world heals, whichever comes first. */
  #later(delayMs: number, act: () => void): void {
    const once = (): void => {
      if (this.#undo.delete(once)) act();
    };
    this.#undo.add(once);
    if (this.#healed) once();
    else this.#world.time.after(delayMs, once);
  }
}
