/**
 * Runs a simulation: the operator's real programs against the fake cluster on virtual time, with every law watching. The
 * same options give the same history, byte for byte.
 */
import { Effect } from "effect";
import { crds } from "../../domain/api/crd.ts";
import type { Commit, HostEvent } from "../../domain/history.ts";
import { makeMonitors, type Monitors } from "../../domain/invariants/makeMonitors.ts";
import { FakeCluster } from "../../services/fake/FakeCluster.ts";
import { type RunOptions, World } from "../../services/simulation/World.ts";
import { ResourceQuotas } from "../../services/quota.ts";
import { SimulatedCluster } from "../../services/world/SimulatedCluster.ts";
import { rebootAgent } from "../rebootAgent.ts";
import { applyOperations, operationRefs, putHolds } from "./applying.ts";
import { disturbs, type Absentee, type Fault } from "./fault.ts";
import { FaultInjector, LATE_WRITE_MILLIS, type Reach } from "./FaultInjector.ts";
import { DEFAULT_SEED, type SimulationOptions } from "./options.ts";
import { missedFaults } from "./missedFaults.ts";
import { OperatorLife } from "./OperatorLife.ts";
import { OperatorRequests } from "./OperatorRequests.ts";
import { Outage } from "./Outage.ts";
import { Progress } from "./Progress.ts";
import { Recorder } from "./Recorder.ts";
import { isRefusal, refusalProblems, SimulationRefused } from "./refusal.ts";
import { nodeResults, operationsAtEnd, worstOf } from "./outcome.ts";
import type { Simulation, SimulationResult } from "./result.ts";
import { simulatedNodes } from "./scenario.ts";
import { toleranceFor } from "./tolerance.ts";
import { SETTLE_MILLIS, Workloads } from "./Workloads.ts";

/** Noon of a day that every story begins on. */
export const START_MILLIS = Date.UTC(2026, 0, 1, 12);

/** A client that was refused for an hour asks again within a minute. */
const COMING_BACK_MILLIS = 60_000;

/** After the end the cluster is watched on: for a sweep and a write that came late, or just for calm. */
const WATCHED_AFTER_FAULTS_MILLIS = LATE_WRITE_MILLIS + 15 * 60_000;
const WATCHED_MILLIS = 2 * 60_000;

/** About a tenth of a second of real time, after which whoever waits for something else has a turn. */
const STEPS_PER_TURN = 5000;

/**
 * Simulates. It gives way to the rest of the program now and then, so that it can be interrupted, and to signals; run by
 * `Effect.runSync` it does not. What it answers does not depend on that.
 *
 * @example
 * const { result } = yield* runSimulation({ manifests, nodes: { controlPlanes: 1, workers: 3 } })
 */
export const runSimulation = (
  options: SimulationOptions,
): Effect.Effect<Simulation, SimulationRefused> =>
  Effect.try({
    try: () => new Run(options),
    // The fake cluster refuses a Node of the manifests; anything else is a bug, and stays one.
    catch: (thrown) => {
      if (isRefusal(thrown))
        return new SimulationRefused({ problems: refusalProblems(thrown, options.manifests) });
      throw thrown;
    },
  }).pipe(Effect.flatMap((run) => run.go()));

class Run {
  readonly #options: SimulationOptions;
  readonly #faults: ReadonlyArray<Fault>;
  readonly #world: World;
  readonly #fake: FakeCluster;
  /** The API server as everything but the user reaches it. */
  readonly #outage: Outage;
  readonly #cluster: SimulatedCluster;
  readonly #monitors: Monitors;
  readonly #recorder = new Recorder();
  readonly #injector: FaultInjector;
  readonly #progress = new Progress();
  readonly #history: Array<Commit> = [];
  readonly #hostEvents: Array<HostEvent> = [];
  readonly #requests = new OperatorRequests();
  /** The first commit of each moment of the world. */
  readonly #moments = new Map<number, number>();
  readonly #hasWorkloads: boolean;
  readonly #operator: OperatorLife;
  #isStarted = false;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#faults = options.faults ?? [];
    this.#injector = new FaultInjector(this.#faults);
    this.#hasWorkloads = (options.manifests.workloads ?? []).length > 0;
    const startAt = this.#hasWorkloads ? START_MILLIS - SETTLE_MILLIS : START_MILLIS;
    const world = new World({ seed: options.seed ?? DEFAULT_SEED, startAt });
    this.#world = world;
    this.#fake = new FakeCluster({
      now: () => world.now,
      chance: () => world.chance.next(),
      crds: crds(),
      admission: [this.#injector.admission],
    });
    this.#outage = new Outage(this.#fake);
    this.#monitors = makeMonitors({
      startedAt: START_MILLIS,
      disturbed: (node) => this.#faults.some((fault) => disturbs(fault, node)),
      ...toleranceFor(options.latencies?.("operator")),
    });
    this.#fake.onCommit((commit) => this.#onCommit(commit));
    this.#fake.onRequest((served) => {
      this.#requests.served(served);
      this.#injector.served(served, (step, text) => this.#tell(step, text));
    });
    this.#cluster = new SimulatedCluster({
      world,
      cluster: this.#outage,
      nodes: simulatedNodes(options),
      rebootAgent: ({ namespace, pod, podUID }) =>
        rebootAgent({ namespace, name: pod, uid: podUID }),
      latencies: options.latencies,
      workloads: this.#hasWorkloads,
      quotas: options.manifests.workloads?.some(({ kind }) => kind === ResourceQuotas.kind),
    });
    this.#operator = new OperatorLife({
      world,
      cluster: this.#cluster,
      interceptor: this.#injector.interceptor((fault) => this.#tell("killed", fault)),
      node: options.operatorNode,
      later: (millis, task) => this.#later(millis, task),
      tell: (step, text) => this.#tell(step, text),
      atWork: (isAtWork) => this.#monitors.operator(isAtWork, world.now),
    });
    this.#cluster.onHostEvent((event) => {
      this.#monitors.host(event);
      this.#operator.host(event);
      this.#recorder.host(event);
      this.#hostEvents.push(event);
    });
  }

  readonly go = Effect.fnUntraced({ self: this }, function* () {
    const unsettled = this.#hasWorkloads ? yield* this.#settle() : [];
    if (unsettled.length > 0) return yield* new SimulationRefused({ problems: unsettled });
    const { manifests, holds = [] } = this.#options;
    this.#isStarted = true;
    this.#injector.start(operationRefs(manifests));
    // Commits count from here on.
    const problems = applyOperations(manifests, this.#fake);
    if (problems.length > 0) return yield* new SimulationRefused({ problems });
    putHolds(holds, this.#fake);
    this.#operator.start();
    yield* this.#runToTheEnd();
    // What waits for something that never came has been over since its last commit.
    const endedAt = this.#progress.endedAt ?? this.#progress.lastCommitAt ?? this.#world.now;
    yield* this.#watchOn(this.#world.now);
    this.#monitors.finish(this.#world.now);
    return this.#simulation(endedAt);
  });

  /** Brings the cluster to work before the story begins. Says what does not run by then. */
  readonly #settle = Effect.fnUntraced({ self: this }, function* () {
    const workloads = new Workloads(this.#options.manifests, this.#fake);
    const refused = workloads.create();
    if (refused.length > 0) return refused;
    // Where nothing is left to do, time goes on all the same.
    let isTime = false;
    this.#later(SETTLE_MILLIS, () => void (isTime = true));
    yield* this.#run({ done: () => isTime, until: START_MILLIS });
    return workloads.problems;
  });

  /** Takes somebody away, and brings them back. */
  #away(who: Absentee, millis: number): void {
    const back = (what: string, task: () => void) =>
      this.#later(millis, () => {
        this.#tell("back", what);
        task();
      });
    switch (who) {
      case "operator":
        return this.#operator.away(millis);
      case "api-server":
        this.#operator.hinder(who);
        this.#outage.begin();
        return back("the API server answers again", () => {
          this.#outage.end();
          // Everybody comes again within their longest delay: not all of that is the operator's time to react.
          this.#later(COMING_BACK_MILLIS, () => this.#operator.unhinder(who));
        });
      case "controller-manager":
        for (const controller of this.#cluster.controllerManager) controller.stop();
        return back("kube-controller-manager is started again", () => {
          for (const controller of this.#cluster.controllerManager) controller.start();
        });
    }
  }

  /** Until every operation has ended, or nothing has happened for longer than any deadline. */
  readonly #runToTheEnd = Effect.fnUntraced({ self: this }, function* () {
    for (;;) {
      const quietSince = this.#progress.lastCommitAt ?? this.#world.now;
      const outcome = yield* this.#run({
        done: () => this.#progress.isEnded,
        until: quietSince + this.#progress.patienceMillis,
      });
      if (outcome !== "timeout" || this.#progress.lastCommitAt === quietSince) return;
    }
  });

  /** `World.run`, in turns. */
  readonly #run = Effect.fnUntraced({ self: this }, function* (options: RunOptions) {
    for (;;) {
      const outcome = this.#world.run({ ...options, stepsMax: STEPS_PER_TURN });
      yield* Effect.yieldNow;
      if (outcome !== "paused") return outcome;
    }
  });

  #watchOn(endedAt: number) {
    const isSweepDue = this.#faults.length > 0 || this.#options.holds !== undefined;
    const millis = isSweepDue ? WATCHED_AFTER_FAULTS_MILLIS : WATCHED_MILLIS;
    return this.#run({ done: () => false, until: endedAt + millis });
  }

  #onCommit(commit: Commit): void {
    this.#monitors.commit(commit);
    if (!this.#isStarted) return;
    this.#history.push(commit);
    this.#recorder.commit(commit);
    this.#progress.commit(commit);
    const { moment } = this.#world;
    this.#injector.commit(commit, this.#reach);
    if (!this.#moments.has(moment)) this.#moments.set(moment, this.#injector.commits);
  }

  readonly #reach: Reach = {
    soon: (task) => this.#later(0, task),
    objects: (resource) => this.#fake.objects(resource),
    asUser: (request) => void this.#fake.handle("user", request),
    powerLoss: (node) => this.#cluster.powerLoss(node),
    crashAgent: (node) => this.#cluster.crashAgent(node),
    away: (who, millis) => this.#away(who, millis),
    kubeletAway: (node, millis) => this.#cluster.host(node).crashKubelet(millis),
    tell: (fault, node) => this.#tell("fault", fault, node),
  };

  /** Runs a task on behalf of nobody in the cluster. */
  #later(millis: number, task: () => void): void {
    this.#world.outside(() => this.#world.after(millis, this.#outside, task));
  }
  // Made on first use: every simulation without faults has the same processes as one that never heard of them.
  #outsideProcess: ReturnType<World["process"]> | undefined;
  get #outside() {
    return (this.#outsideProcess ??= this.#world.process("outside"));
  }

  #tell(step: string, text: string, node?: string): void {
    this.#recorder.tell({ at: this.#world.now, step, text, node });
  }

  #faultsMissed(nodes: SimulationResult["nodes"]): ReadonlyArray<string> {
    const { missed, vain, commits, calls } = this.#injector;
    const history = this.#history;
    const hostEvents = this.#hostEvents;
    return missedFaults(this.#faults, { missed, vain, commits, calls, nodes, history, hostEvents });
  }

  #simulation(endedAt: number): Simulation {
    const operations = operationsAtEnd(this.#fake, this.#injector.operations, this.#progress);
    const reported = worstOf(operations);
    const nodes = nodeResults(
      this.#fake,
      this.#progress,
      operations.map(({ operation }) => operation),
      this.#options.operatorNode,
    );
    const faultsMissed = this.#faultsMissed(nodes);
    const seconds = (at: number) => (at - START_MILLIS) / 1000;
    return {
      result: {
        seed: this.#options.seed ?? DEFAULT_SEED,
        ...reported,
        virtualSeconds: seconds(endedAt),
        peakInFlight: this.#recorder.peakInFlight,
        ...(operations.length === 1 ? {} : { operations }),
        nodes,
        requests: this.#requests.counts,
        writes: this.#requests.writes,
        violations: this.#monitors.violations.map(({ law, message: what, rv, at }) => ({
          law,
          message: what,
          ...(rv === undefined ? {} : { rv }),
          virtualSeconds: seconds(at),
        })),
        ...(faultsMissed.length === 0 ? {} : { faultsMissed }),
      },
      lines: this.#recorder.lines,
      startedAt: START_MILLIS,
      endedAt,
      laws: this.#monitors.laws,
      upgrades: this.#options.manifests.operations.every(({ kind }) => kind === "NodeOpUpgrade"),
      commits: this.#injector.commits,
      calls: this.#injector.calls,
      moments: [...this.#moments.values()],
      missed: this.#injector.missed,
      history: this.#history,
    };
  }
}
