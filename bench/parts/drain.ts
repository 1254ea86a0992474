/**
 * A hundred nodes with twenty Pods each are drained and upgraded, ten at a time, under a budget for every Pod: was one broken
 * at any moment, was a Pod lost, and what did it cost? Judged by the watches and the audit log of the whole run.
 */
import { Effect } from "effect";
import type { KubeObject } from "../../src/domain/kube/object.ts";
import { Nodes, PodDisruptionBudgets, Pods } from "../../src/domain/kube/resource.ts";
import { isDisruptionBudget } from "../../src/services/disruptionBudget.ts";
import { KubeTransport } from "../../src/services/KubeTransport.ts";
import { isPod, trueCondition } from "../../src/services/world/pod.ts";
import { type AuditEvent, AuditTail, isDryRun } from "../../test/e2e/support/AuditTail.ts";
import { judgeCommits, TOLERANCE } from "../../test/e2e/support/E2e.ts";
import { MachinePool, nodesOf } from "../../test/e2e/support/MachinePool.ts";
import { ROOM } from "../../test/e2e/support/manifests.ts";
import { Observer } from "../../test/e2e/support/Observer.ts";
import { kubectl } from "../../test/support/controlPlane/kubectl.ts";
import { judgeWorkloads } from "../../test/support/workloads.ts";
import { areReady, type Bench, rollOut, startOperator } from "../support/bench.ts";
import { countsOf, OPERATOR, peakMegabytes, writesOf } from "../support/measures.ts";

const CONTROL_PLANES = 3;
const WORKERS = 97;
const NODES = CONTROL_PLANES + WORKERS;
const SLOTS = 10;
const DEPLOYMENTS = 200;
const REPLICAS = 10;
const REQUESTS_AT_ONCE = 20;
/** So many of a kind are printed. */
const SHOWN = 20;

/** The budgets of the Deployments, in turn: each allows one or two of the ten Pods to be away. */
const BUDGETS = [{ minAvailable: 8 }, { maxUnavailable: 1 }, { maxUnavailable: "20%" }];

const objectsOf = (index: number): ReadonlyArray<object> => {
  const name = `app-${index}`;
  const labels = { app: name };
  const metadata = { name, namespace: "default" };
  const selector = { matchLabels: labels };
  const container = { name: "main", image: "app:1", resources: { requests: { cpu: "10m" } } };
  return [
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { selector, ...BUDGETS[index % BUDGETS.length] },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: {
        replicas: REPLICAS,
        selector,
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    },
  ];
};

const isReady = (pod: KubeObject): boolean =>
  isPod(pod) && trueCondition(pod.status?.conditions, "Ready") !== undefined;

/** Until so many Pods of applications are Ready, and no others of them are there. */
const untilReady = Effect.fn("untilReady")(function* (observer: Observer, count: number) {
  for (;;) {
    const pods = observer
      .objects(Pods)
      .filter(({ metadata }) => metadata.labels?.["app"] !== undefined);
    const ready = pods.filter((pod) => isReady(pod));
    if (ready.length === count && pods.length === count) return;
    yield* Effect.sleep("1 second");
  }
});

const isEviction = (event: AuditEvent): boolean =>
  event.objectRef?.subresource === "eviction" &&
  event.user.username === OPERATOR &&
  !isDryRun(event);

/** How far below what it asks for any budget's own status ever was: 0 where it never was. */
const worstStatus = (observer: Observer): number => {
  const spare = observer
    .versions(PodDisruptionBudgets)
    .filter((budget) => isDisruptionBudget(budget))
    .map(({ status }) => status.currentHealthy - status.desiredHealthy);
  return Math.min(0, ...spare);
};

export const drain = Effect.fn("drain")(function* (on: Bench) {
  const transport = yield* Effect.provide(KubeTransport, on.admin);
  const pool = yield* MachinePool.make({
    api: on.controlPlane,
    nodes: nodesOf(CONTROL_PLANES, WORKERS),
  });
  yield* areReady(on, pool);
  const room = { status: { capacity: ROOM, allocatable: ROOM } };
  yield* Effect.forEach(
    pool.hosts.keys(),
    (name) =>
      transport.request({
        verb: "patch",
        resource: Nodes,
        name,
        subresource: "status",
        body: room,
      }),
    { concurrency: REQUESTS_AT_ONCE },
  );
  const setUp = yield* Effect.provide(Observer.make, on.admin);
  const items = Array.from({ length: DEPLOYMENTS }, (_, index) => objectsOf(index)).flat();
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  yield* kubectl(on.controlPlane, ["create", "-f", "-"], { input });
  yield* untilReady(setUp, DEPLOYMENTS * REPLICAS);
  // What is judged begins with all Pods Ready: the list of a fresh observer.
  const observer = yield* Effect.provide(Observer.make, on.admin);
  const { operator } = yield* startOperator(on);
  const { phase, seconds, peak } = yield* rollOut(on, { concurrency: SLOTS });
  const megabytesPeak = peakMegabytes(operator.pid);
  yield* untilReady(observer, DEPLOYMENTS * REPLICAS);
  yield* Effect.provide(observer.caughtUp, on.admin);
  const audit = new AuditTail(on.controlPlane.auditLog).read();
  const commits = observer.commits(audit);
  const workloads = judgeWorkloads(commits, TOLERANCE);
  const { violations } = judgeCommits(commits, [pool]);
  const evictions = audit.filter(isEviction);
  return {
    nodes: NODES,
    pods: DEPLOYMENTS * REPLICAS,
    phase,
    seconds: Number(seconds.toFixed(1)),
    slotsUsed: peak,
    commits: commits.length,
    ...workloads,
    problems: workloads.problems.length,
    problemsShown: workloads.problems.slice(0, SHOWN),
    problemsMax: 0,
    leastSpareMin: 0,
    budgetStatusWorst: worstStatus(observer),
    violations: violations.length,
    violationsShown: violations.map(({ law, message }) => `${law}: ${message}`).slice(0, SHOWN),
    violationsMax: 0,
    evictionsAnswered: countsOf(evictions, ({ responseStatus }) => String(responseStatus?.code)),
    writesPerNode: Number((writesOf(audit).length / NODES).toFixed(1)),
    writesOf: countsOf(writesOf(audit), ({ verb, objectRef }) =>
      [verb, objectRef?.resource, objectRef?.subresource].filter(Boolean).join(" "),
    ),
    megabytesPeak,
    megabytesPeakMax: 120,
  };
}, Effect.scoped);
