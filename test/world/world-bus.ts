import { ConnectorError } from '../../src/errors.ts';
import type { ChangeRequest, Decision } from '../../src/feed/change.ts';
import { shardOf, type Shard } from '../../src/feed/feed.ts';
import { hashNumbers, Random } from '../../src/simulator/random.ts';
import { MemorySink, type Fault } from '../../src/sink/memory.ts';
import type { Commit, ShardSession, Sink } from '../../src/sink/sink.ts';
import type { Host } from './host.ts';
import type { WorldPlan } from './plan.ts';
import { count, type BegunPass, type Trace, type Trouble } from './trace.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface Member {
  readonly host: Host;
  readonly sets: ReadonlySet<Shard>[];
  wake: () => void;
  toldAtMs: number;
}

interface Owner {
  readonly shard: Shard;
  readonly epoch: number;
}

/**
 * The bus as several hosts share it: one memory sink, and between it and the hosts a group that deals out the
 * shards, and a network that loses and delays.
 */
export class WorldBus {
  /** No session is opened and no commit goes through while this is set. */
  down = false;
  healed = false;
  readonly #plan: WorldPlan;
  readonly #time: VirtualTime;
  readonly #trace: Trace;
  readonly #random: Random;
  readonly #memory: MemorySink;
  readonly #members = new Map<number, Member>();
  readonly #epochs = new Map<Shard, number>();
  /** What the memory sink is told of the commit that is being made this very moment. */
  #now: (Owner & { readonly fault: Fault }) | undefined;

  constructor(plan: WorldPlan, time: VirtualTime, trace: Trace) {
    this.#plan = plan;
    this.#time = time;
    this.#trace = trace;
    this.#random = new Random(hashNumbers([plan.seed, 3]));
    this.#memory = new MemorySink({
      shardCount: plan.shardCount,
      faultOf: () => this.#now!.fault,
      onCommit: ({ feed, events, step }) => {
        const { shard, epoch } = this.#now!;
        trace.commits.push({ atMs: time.nowMs(), shard, epoch, feed, events, step });
      },
    });
  }

  /** The sink as the worker on `host` has it. */
  of(host: Host): Sink {
    return {
      guarantee: 'exactly-once',
      shardCount: this.#plan.shardCount,
      check: async () => undefined,
      close: async () => undefined,
      ownedShards: (signal) => this.#ownedShards(host, signal),
      openShard: (shard) => this.#openShard(host, shard),
    };
  }

  /** What a person does to an offset, from a computer of their own; whoever has the shard is fenced. */
  change(feed: BegunPass['feed'], request: ChangeRequest): Decision {
    const decision = this.#memory.changeOffset(feed, request);
    if (request.kind !== 'begin' || 'unchanged' in decision) return decision;
    const [shard, plan, atMs] = [shardOf(feed, this.#plan.shardCount), decision.change.pass!, this.#time.nowMs()];
    const step = { watermarkMs: plan.fromMs, seenFromMs: plan.fromMs, seen: [] };
    this.#trace.passes.push({ feed, plan, beganMs: atMs });
    this.#trace.commits.push({ atMs, shard, epoch: this.#epochs.get(shard) ?? 0, feed, events: [], step });
    return decision;
  }

  /** Takes a host out of the group, as a broker does that has not heard of it. It may still believe to own shards. */
  expel(host: Host): void {
    if (this.#members.delete(host.number)) this.dealOut();
  }

  /** Lets a host back in that was expelled: first it learns that it has lost everything. */
  readmit(host: Host, member: Member | undefined): void {
    if (member === undefined || this.#members.has(host.number)) return;
    this.#tell(member, new Set());
    this.#members.set(host.number, member);
    this.dealOut();
  }

  memberOf(host: Host): Member | undefined {
    return this.#members.get(host.number);
  }

  /** Deals every shard to one member; each hears of it when it hears of it, so two may believe to own the same. */
  dealOut(): void {
    const members = [...this.#members.values()];
    if (members.length === 0) return;
    const first = this.#random.whole(0, members.length - 1);
    const owned = members.map(() => new Set<Shard>());
    for (let shard = 0; shard < this.#plan.shardCount; shard += 1) owned[(first + shard) % members.length]!.add(shard);
    members.forEach((member, index) => this.#tell(member, owned[index]!));
  }

  #tell(member: Member, shards: ReadonlySet<Shard>): void {
    const delayMs = this.healed ? 10 : this.#random.pick([10, 1_000, 5_000]);
    // Later news never overtakes earlier news.
    member.toldAtMs = Math.max(member.toldAtMs, this.#time.nowMs() + delayMs);
    this.#time.after(member.toldAtMs - this.#time.nowMs(), () => member.host.run(() => {
      member.sets.push(shards);
      member.wake();
    }));
  }

  async *#ownedShards(host: Host, signal: AbortSignal): AsyncGenerator<ReadonlySet<Shard>> {
    const member: Member = { host, sets: [], wake: () => undefined, toldAtMs: 0 };
    this.#members.set(host.number, member);
    this.dealOut();
    signal.addEventListener('abort', () => member.wake());
    while (!signal.aborted) {
      const latest = member.sets.shift();
      if (latest !== undefined) yield latest;
      else await new Promise<void>((resolve) => (member.wake = resolve));
    }
    this.expel(host);
  }

  async #openShard(host: Host, shard: Shard): Promise<ShardSession> {
    await host.sleep(this.#latencyMs());
    if (this.down || this.#mayFail()) {
      count(this.#trace, 'open-failed');
      throw new ConnectorError('SINK_UNAVAILABLE', `shard ${shard}: the bus cannot be reached`);
    }
    const session = await this.#memory.openShard(shard);
    const epoch = (this.#epochs.get(shard) ?? 0) + 1;
    this.#epochs.set(shard, epoch);
    await host.sleep(this.#latencyMs());
    let dead = false;
    return {
      ...session,
      commit: async (commit) => {
        if (dead) throw new ConnectorError('SINK_OUTCOME_UNKNOWN', `shard ${shard}: this session has failed before`);
        dead = true;
        await this.#send(host, (fault) => this.#deliver(session, { shard, epoch }, commit, fault));
        dead = false;
      },
      // The memory sink's session stays open: what was sent before may still arrive.
      close: async () => {
        dead = true;
      },
    };
  }

  /** On its way a commit is nobody's: it arrives also when its sender is paused, dead, or has given up. */
  #send(host: Host, deliver: (fault: Fault) => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const fate = this.#fate();
      const answer = (act: () => void): void => void this.#time.after(this.#latencyMs(), () => host.run(act));
      const lost = (): void => answer(() => reject(new ConnectorError('SINK_OUTCOME_UNKNOWN', 'no answer')));
      if (fate === 'held') {
        count(this.#trace, 'commit-held');
        const arrived = (trouble: Trouble) => () => count(this.#trace, trouble);
        const arrive = () => deliver('none').then(arrived('held-commit-applied'), arrived('held-commit-fenced'));
        this.#time.after(this.#random.whole(0, 20_000), () => void arrive());
        return lost();
      }
      this.#time.after(this.#latencyMs(), () => {
        if (this.down) return lost();
        void deliver(fate).then(() => answer(resolve), (error: unknown) => answer(() => reject(error as Error)));
      });
    });
  }

  /** The memory sink does all its work before it waits for anything, so two deliveries never mix. */
  async #deliver(session: ShardSession, owner: Owner, commit: Commit, fault: Fault): Promise<void> {
    this.#now = { ...owner, fault };
    try {
      await session.commit(commit);
    } catch (error) {
      if (error instanceof ConnectorError && error.code === 'SINK_FENCED') count(this.#trace, 'commit-fenced');
      else count(this.#trace, fault === 'lost-after-commit' ? 'commit-lost-after' : 'commit-lost-before');
      throw error;
    }
  }

  #fate(): Fault | 'held' {
    if (this.healed || !this.#random.chance(this.#plan.commitFaultShare)) return 'none';
    return this.#random.pick(['lost-before-commit', 'lost-after-commit', 'held'] as const);
  }

  #mayFail(): boolean {
    return !this.healed && this.#random.chance(this.#plan.commitFaultShare);
  }

  #latencyMs(): number {
    return this.healed ? 1 : this.#random.whole(0, this.#plan.commitLatencyMaxMs);
  }
}
