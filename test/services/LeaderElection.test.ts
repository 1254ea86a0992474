/** Two candidates for one Lease on the fake cluster: whatever happens to one of them, never do both act. */
import { Clock, type Duration, Effect, Exit, Layer, Option } from "effect";
import { describe, expect, it } from "vitest";
import { crds } from "../../src/domain/api/crd.ts";
import { microTime } from "../../src/domain/kube/object.ts";
import { Leases } from "../../src/domain/kube/resource.ts";
import { FakeCluster } from "../../src/services/fake/FakeCluster.ts";
import { kubeApiLayer } from "../../src/services/kubeApiLayer.ts";
import { LeadershipLost, withLeadership } from "../../src/services/LeaderElection.ts";
import { deliver, type Interceptor } from "../../src/services/simulation/interception.ts";
import type { Process } from "../../src/services/simulation/Process.ts";
import { simTransport } from "../../src/services/simulation/SimTransport.ts";
import { World } from "../../src/services/simulation/World.ts";

interface LeaseJson {
  readonly metadata: { readonly labels?: object };
  readonly spec: {
    readonly holderIdentity: string;
    readonly leaseDurationSeconds: number;
    readonly leaseTransitions: number;
    readonly renewTime: string;
    readonly acquireTime: string;
  };
}

const LEASE = { namespace: "operator-system", name: "ce9721c3.kairos.io" };

/** A world in which candidates work by ticking: who ticked when is what the laws are about. */
class Race {
  readonly world = new World({ seed: 1, startAt: Date.UTC(2026, 0, 1) });
  readonly fake = new FakeCluster({
    now: () => this.world.now,
    chance: () => this.world.chance.next(),
    crds: crds(),
  });
  readonly server = this.world.process("api-server");
  readonly ticks: Array<{ readonly at: number; readonly who: string }> = [];
  readonly ends = new Map<string, Exit.Exit<unknown, unknown>>();
  /** While true no request of this candidate gets through. */
  readonly cutOff = new Set<string>();

  constructor() {
    this.fake.handle("user", {
      verb: "create",
      resource: {
        group: "",
        version: "v1",
        plural: "namespaces",
        kind: "Namespace",
        namespaced: false,
      },
      body: { metadata: { name: LEASE.namespace } },
    });
  }

  start(
    who: string,
    options: { readonly clockAheadMillis?: number; readonly stopMillis?: number } = {},
  ): Process {
    const process = this.world.process(who);
    const interceptor: Interceptor = () =>
      this.cutOff.has(who) ? { kind: "LoseRequest" } : deliver;
    const transport = simTransport({
      server: this.server,
      cluster: this.fake,
      process,
      actor: who,
      interceptor,
    });
    const tick = Effect.sync(() => void this.ticks.push({ at: this.world.now, who }));
    const stop = Effect.andThen(Effect.sleep(options.stopMillis ?? 0), tick);
    const work = Effect.never.pipe(
      Effect.race(Effect.forever(Effect.andThen(tick, Effect.sleep("1 second")))),
      Effect.onInterrupt(() => stop),
    );
    const program = withLeadership({ ...LEASE, identity: who }, work).pipe(
      Effect.provide(Layer.provide(kubeApiLayer, transport)),
    );
    process.onEnd((end) => {
      if (end._tag === "Exited") this.ends.set(who, end.exit);
    });
    process.boot(skewed(program, options.clockAheadMillis ?? 0));
    return process;
  }

  pass(seconds: number): void {
    this.world.run({ done: () => false, until: this.world.now + seconds * 1000 });
  }

  lease(): LeaseJson["spec"] {
    return (this.fake.object(Leases, LEASE) as unknown as LeaseJson).spec;
  }

  /** Who ticked within the last so many seconds. */
  active(seconds: number): ReadonlyArray<string> {
    const since = this.world.now - seconds * 1000;
    return [...new Set(this.ticks.filter(({ at }) => at >= since).map(({ who }) => who))];
  }

  /** In which order candidates acted; one that acts, stops and acts again is named twice. */
  turns(): ReadonlyArray<string> {
    return this.ticks.map(({ who }) => who).filter((who, index, all) => who !== all[index - 1]);
  }

  lost(who: string): LeadershipLost | undefined {
    const exit = this.ends.get(who);
    const error =
      exit === undefined ? undefined : Option.getOrUndefined(Exit.findErrorOption(exit));
    return error instanceof LeadershipLost ? error : undefined;
  }
}

/** The program with a wall clock that goes wrong; durations stay right. */
const skewed = <A, E>(program: Effect.Effect<A, E>, aheadMillis: number): Effect.Effect<A, E> =>
  Effect.flatMap(Clock.Clock, (clock) =>
    Effect.provideService(program, Clock.Clock, {
      ...clock,
      currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + aheadMillis,
      currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + aheadMillis),
      sleep: (duration: Duration.Duration) => clock.sleep(duration),
    }),
  );

describe("leader election", () => {
  it("of two candidates one leads, for as long as it lives", () => {
    const race = new Race();
    race.start("a");
    race.start("b");
    race.pass(3600);
    expect(race.turns()).toEqual(["a"]);
    expect(race.lease()).toMatchObject({
      holderIdentity: "a",
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
    });
    expect(race.lease().renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/u);
    expect(race.world.now - Date.parse(race.lease().renewTime)).toBeLessThanOrEqual(2000);
    expect(race.lease().acquireTime).toBe(microTime(Date.UTC(2026, 0, 1)));
  });

  it("when the leader crashes the other takes over after the duration of the Lease, not earlier", () => {
    const race = new Race();
    const leader = race.start("a");
    race.start("b");
    race.pass(10);
    leader.kill();
    const renewedAt = Date.parse(race.lease().renewTime);
    race.pass(30);
    const first = race.ticks.find(({ who }) => who === "b")!.at;
    expect(first - renewedAt).toBeGreaterThanOrEqual(15_000);
    expect(first - renewedAt).toBeLessThanOrEqual(15_000 + 2 * 2400);
    expect(race.lease()).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
  });

  it("a leader that was frozen stops when it thaws, before it has renewed or taken anything back", () => {
    const race = new Race();
    const leader = race.start("a");
    race.start("b");
    race.pass(10);
    leader.freeze();
    race.pass(60);
    expect(race.active(10)).toEqual(["b"]);
    const thawedAt = race.world.now;
    leader.thaw();
    race.pass(60);
    expect(race.lost("a")?.message).toContain("ce9721c3.kairos.io was lost");
    expect(race.ticks.filter(({ at, who }) => who === "a" && at > thawedAt)).toEqual([]);
    expect(race.lease()).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
  });

  it("a leader that cannot reach the API server stops before another one may begin", () => {
    const race = new Race();
    race.start("a");
    race.start("b");
    race.pass(10);
    race.cutOff.add("a");
    race.pass(60);
    const last = race.ticks.filter(({ who }) => who === "a").at(-1)!.at;
    const first = race.ticks.find(({ who }) => who === "b")!.at;
    expect(first).toBeGreaterThan(last + 2000);
    expect(race.lost("a")?.message).toMatch(/not renewed for 1\d s; .*Unreachable|not renewed/u);
    expect(race.turns()).toEqual(["a", "b"]);
  });

  it("a short outage of the API server changes nothing", () => {
    const race = new Race();
    race.start("a");
    race.start("b");
    race.pass(10);
    race.cutOff.add("a").add("b");
    race.pass(7);
    race.cutOff.clear();
    race.pass(60);
    expect(race.turns()).toEqual(["a"]);
    expect(race.ends.size).toBe(0);
  });

  it("clocks that are hours apart make nobody take the Lease", () => {
    for (const clockAheadMillis of [6 * 3_600_000, -6 * 3_600_000]) {
      const race = new Race();
      race.start("a");
      race.start("b", { clockAheadMillis });
      race.pass(600);
      expect(race.turns()).toEqual(["a"]);
    }
  });

  it("somebody who writes labels to the Lease is no sign of life of its holder, and loses no label", () => {
    const race = new Race();
    const leader = race.start("a");
    race.start("b");
    race.pass(10);
    leader.kill();
    for (let count = 0; count < 20; count++) {
      race.fake.handle("user", {
        verb: "patch",
        resource: Leases,
        ...LEASE,
        patchType: "application/merge-patch+json",
        body: { metadata: { labels: { count: String(count) } } },
      });
      race.pass(1);
    }
    expect(race.active(1)).toEqual(["b"]);
    const lease = race.fake.object(Leases, LEASE);
    expect(lease?.metadata.labels).toHaveProperty("count");
  });

  it("SIGTERM gives the Lease back when the work has stopped, and the other need not wait", () => {
    const race = new Race();
    const leader = race.start("a", { stopMillis: 800 });
    race.start("b");
    race.pass(10);
    const stoppedAt = race.world.now;
    leader.interrupt();
    race.pass(5);
    expect(race.turns()).toEqual(["a", "b"]);
    const last = race.ticks.filter(({ who }) => who === "a").at(-1)!.at;
    const first = race.ticks.find(({ who }) => who === "b")!.at;
    expect(last).toBe(stoppedAt + 800);
    expect(first).toBeGreaterThanOrEqual(last);
    expect(first).toBeLessThanOrEqual(stoppedAt + 800 + 2400);
    expect(race.ends.has("a")).toBe(true);
  });

  it("SIGTERM while the API server does not answer ends within two seconds", () => {
    const race = new Race();
    const leader = race.start("a");
    race.pass(10);
    race.server.freeze();
    const stoppedAt = race.world.now;
    leader.onEnd(() => expect(race.world.now - stoppedAt).toBeLessThan(2000));
    leader.interrupt();
    race.pass(10);
    expect(race.ends.has("a")).toBe(true);
  });

  it("a Lease that another program took away ends the work at the next renewal", () => {
    const race = new Race();
    race.start("a");
    race.pass(10);
    race.fake.handle("original", {
      verb: "patch",
      resource: Leases,
      ...LEASE,
      patchType: "application/merge-patch+json",
      body: { spec: { holderIdentity: "original", renewTime: microTime(race.world.now) } },
    });
    race.pass(5);
    expect(race.lost("a")?.detail).toBe("original holds it");
    expect(race.ticks.at(-1)!.at).toBeLessThanOrEqual(Date.UTC(2026, 0, 1) + 12_000);
  });

  it("a Lease that was deleted is made anew by its holder, who goes on", () => {
    const race = new Race();
    race.start("a");
    race.pass(10);
    race.fake.handle("user", { verb: "delete", resource: Leases, ...LEASE, body: {} });
    race.pass(60);
    expect(race.lease().holderIdentity).toBe("a");
    expect(race.active(2)).toEqual(["a"]);
  });
});
