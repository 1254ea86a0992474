/**
 * One real control plane with nodeop installed as deploy/install.yaml has it, for all scenarios. The Deployment is scaled
 * to none: scenarios start operators themselves, with its ServiceAccount. Each scenario brings its own machines.
 */
import { Context, Effect, Layer, Result, Schedule, type Scope } from "effect";
import {
  Jobs,
  Namespaces,
  NodeOps,
  NodeOpUpgrades,
  Nodes,
  Pods,
  ServiceAccounts,
} from "../../../src/domain/kube/resource.ts";
import { LABEL_NODE } from "../../../src/domain/labels.ts";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import type { Commit, HostEvent } from "../../../src/domain/history.ts";
import { makeMonitors, type Monitors } from "../../../src/domain/invariants/makeMonitors.ts";
import type { MonitorOptions } from "../../../src/domain/invariants/law.ts";
import { KubeTransport } from "../../../src/services/KubeTransport.ts";
import { bundle } from "../../../scripts/bundle.ts";
import { findAssets } from "../../support/controlPlane/assets.ts";
import {
  type ControlPlaneFailed,
  type ControlPlaneOptions,
  type OwnControlPlane,
  startControlPlane,
} from "../../support/controlPlane/ControlPlane.ts";
import {
  accountKubeconfig,
  kubectl,
  type KubectlFailed,
  type KubectlOptions,
} from "../../support/controlPlane/kubectl.ts";
import { adminAs } from "./api.ts";
import { AuditTail } from "./AuditTail.ts";
import { MachinePool, type MachinePoolOptions, type PooledNode } from "./MachinePool.ts";
import { Observer } from "./Observer.ts";
import { OperatorProcess, type OperatorProcessOptions } from "./OperatorProcess.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
/** What a user applies. */
export const INSTALLATION = `${ROOT}deploy/install.yaml`;
export const OPERATOR_NAMESPACE = "operator-system";
export const OPERATOR_ACCOUNT = "operator-kairos-operator";

/** Real time is not judged as finely as virtual time: a busy machine of two cores needs a while for anything. */
export const TOLERANCE: MonitorOptions = {
  reactionMillis: 5000,
  lagMillis: 2000,
  stopMillis: 5000,
};

export interface Judgement {
  readonly commits: ReadonlyArray<Commit>;
  readonly hostLog: ReadonlyArray<HostEvent>;
  readonly violations: Monitors["violations"];
  readonly laws: number;
}

export class E2e extends Context.Service<
  E2e,
  {
    readonly controlPlane: OwnControlPlane;
    readonly operatorKubeconfig: string;
    readonly observer: Observer;
    readonly audit: AuditTail;
    /** kubectl as the administrator. */
    readonly kubectl: (
      args: ReadonlyArray<string>,
      options?: KubectlOptions,
    ) => Effect.Effect<string, KubectlFailed>;
    readonly admin: KubeTransport["Service"];
  }
>()("nodeop/test/e2e/E2e") {
  /** With more flags than usual, where a scenario needs controllers that are in a hurry. */
  static readonly layer = (
    flags: Pick<ControlPlaneOptions, "apiServerFlags" | "controllerFlags"> = {},
  ): Layer.Layer<E2e, ControlPlaneFailed | KubectlFailed> =>
    Layer.effect(
      E2e,
      Effect.gen(function* () {
        const assets = findAssets();
        if (assets === undefined)
          return yield* Effect.die(new Error("KUBEBUILDER_ASSETS is unset"));
        yield* Effect.promise(bundle);
        const controlPlane = yield* startControlPlane({
          assets,
          scheduler: true,
          // One file for the whole run: it is the evidence.
          apiServerFlags: [
            "--audit-log-maxsize=100000",
            "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
            ...(flags.apiServerFlags ?? []),
          ],
          controllerFlags: flags.controllerFlags ?? [],
        });
        const run = (args: ReadonlyArray<string>, options?: KubectlOptions) =>
          kubectl(controlPlane, args, options);
        yield* install(run);
        const operatorKubeconfig = yield* accountKubeconfig(controlPlane, {
          namespace: OPERATOR_NAMESPACE,
          name: OPERATOR_ACCOUNT,
        });
        const services = yield* Layer.build(adminAs(controlPlane, "observer"));
        const admin = Context.get(services, KubeTransport);
        const observer = yield* Effect.provideService(Observer.make, KubeTransport, admin);
        return E2e.of({
          controlPlane,
          operatorKubeconfig,
          observer,
          audit: new AuditTail(controlPlane.auditLog),
          kubectl: run,
          admin,
        });
      }),
    );
}

/** `kubectl apply -f deploy/install.yaml`, and nothing that would need images. */
export const install = Effect.fnUntraced(function* (
  run: (args: ReadonlyArray<string>) => Effect.Effect<string, KubectlFailed>,
) {
  yield* run(["apply", "--server-side", "-f", INSTALLATION]);
  const established = "--for=condition=Established";
  yield* run(["wait", established, "--timeout=30s", "-f", `${ROOT}deploy/crds.yaml`]);
  const [deployment, daemonSet] = [
    `deployment/${OPERATOR_ACCOUNT}`,
    "daemonset/kairos-node-labeler",
  ];
  yield* run(["scale", "-n", OPERATOR_NAMESPACE, deployment, "--replicas=0"]);
  yield* run(["delete", "-n", OPERATOR_NAMESPACE, daemonSet]);
});

/** The file of an example. */
export const exampleFile = (name: string): string => `${ROOT}examples/${name}.yaml`;

/**
 * Machines for one scenario; all of them are Ready. When the scope ends, the Nodes are removed, and the operations of the
 * scenario's namespace.
 */
export const machines = Effect.fn("machines")(function* (
  nodes: ReadonlyArray<PooledNode>,
  namespace = "default",
  options: Pick<MachinePoolOptions, "runsAgents" | "heartbeats"> = {},
): Effect.fn.Return<MachinePool, never, E2e | Scope.Scope> {
  const { controlPlane, observer } = yield* E2e;
  const names = new Set(nodes.map(({ name }) => name));
  yield* Effect.addFinalizer(() => removeNodes(names));
  const pool = yield* MachinePool.make({ api: controlPlane, nodes, ...options });
  yield* Effect.addFinalizer(() => removeOperations(names, namespace));
  yield* observer.until(() =>
    observer.objects(Nodes).filter((node) => names.has(node.metadata.name) && isReady(node))
      .length === names.size
      ? true
      : undefined,
  );
  return pool;
});

/** A namespace in which Pods can be made. It is deleted when the scope ends. */
export const newNamespace = Effect.fn("newNamespace")(function* (name: string) {
  const { admin } = yield* E2e;
  const body = { metadata: { name } };
  yield* Effect.acquireRelease(
    Effect.orDie(admin.request({ verb: "create", resource: Namespaces, body })),
    () => Effect.ignore(admin.request({ verb: "delete", resource: Namespaces, name })),
  );
  const account = { resource: ServiceAccounts, namespace: name, name: "default" };
  yield* admin.request({ verb: "get", ...account }).pipe(
    Effect.retry({
      schedule: Schedule.spaced("20 millis"),
      while: ({ _tag }) => _tag === "NotFound",
    }),
    Effect.orDie,
  );
});

const isReady = (node: KubeObject): boolean => {
  const status = node["status"] as
    | { readonly conditions?: ReadonlyArray<{ readonly type: string; readonly status: string }> }
    | undefined;
  return (
    status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true
  );
};

/** An operator with the ServiceAccount of the installation, killed when the scope ends; ready. */
export const startOperator = Effect.fn("startOperator")(function* (
  options: Partial<OperatorProcessOptions> = {},
) {
  const { operatorKubeconfig } = yield* E2e;
  const operator = yield* OperatorProcess.start({ kubeconfig: operatorKubeconfig, ...options });
  yield* operator.ready;
  return operator;
});

/**
 * Operations and what they made, without waiting for the garbage collector: it learns of new kinds every 30 s only. Nobody
 * needs them any more, so their finalizers go too.
 */
const removeOperations = Effect.fnUntraced(function* (
  nodes: ReadonlySet<string>,
  inNamespace: string,
) {
  const { admin, observer } = yield* E2e;
  const ofScenario = ({ metadata: { labels } }: KubeObject): boolean =>
    nodes.has(labels?.[LABEL_NODE] ?? "");
  const children = [Jobs, Pods].map(
    (resource) => [resource, observer.objects(resource).filter(ofScenario)] as const,
  );
  const operations = [NodeOpUpgrades, NodeOps].map((resource) => {
    const all = observer.objects(resource);
    return [resource, all.filter(({ metadata }) => metadata.namespace === inNamespace)] as const;
  });
  const body = { propagationPolicy: "Background" };
  for (const [resource, objects] of [...operations, ...children])
    for (const { metadata } of objects) {
      const { namespace, name } = metadata;
      const at = { resource, namespace, name };
      yield* Effect.ignore(admin.request({ verb: "delete", ...at, body }));
      if (metadata.finalizers !== undefined)
        yield* Effect.ignore(
          admin.request({ verb: "patch", ...at, body: { metadata: { finalizers: null } } }),
        );
    }
  yield* observer.until(() =>
    observer.objects(Pods).some((pod) => ofScenario(pod)) ? undefined : true,
  );
});

const removeNodes = Effect.fnUntraced(function* (names: ReadonlySet<string>) {
  const { admin } = yield* E2e;
  for (const name of names)
    yield* Effect.ignore(admin.request({ verb: "delete", resource: Nodes, name }));
});

/** The state of an operation once a condition holds. */
export const operationWhere = Effect.fn("operationWhere")(function* (
  name: string,
  is: (status: OperationStatus) => boolean,
  options: { readonly kind?: "NodeOp" | "NodeOpUpgrade"; readonly namespace?: string } = {},
) {
  const { observer } = yield* E2e;
  const { kind = "NodeOpUpgrade", namespace = "default" } = options;
  const resource = kind === "NodeOp" ? NodeOps : NodeOpUpgrades;
  return yield* observer.until(() => {
    const found = observer
      .objects(resource)
      .find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
    const status = found?.["status"] as OperationStatus | undefined;
    return status !== undefined && is(status) ? status : undefined;
  });
});

export interface OperationStatus {
  readonly phase?: string;
  readonly message?: string;
  readonly running?: number;
  readonly progress?: string;
  readonly nodeStatuses?: Readonly<
    Record<
      string,
      { readonly phase: string; readonly reason?: string; readonly rebootStatus?: string }
    >
  >;
}

export const hasEnded = ({ phase, running }: OperationStatus): boolean =>
  (phase === "Completed" || phase === "Failed") && (running ?? 0) === 0;

/** The version at which a scenario begins: what came before it is not judged with it. */
export const versionNow = Effect.gen(function* () {
  const { admin } = yield* E2e;
  const list = (yield* Effect.orDie(admin.request({ verb: "list", resource: Nodes }))) as {
    readonly metadata: { readonly resourceVersion: string };
  };
  return Number(list.metadata.resourceVersion);
});

/** All changes since a version, by whom. */
export const commitsSince = Effect.fn("commitsSince")(function* (since: number) {
  const { admin, observer, audit } = yield* E2e;
  yield* Effect.provideService(observer.caughtUp, KubeTransport, admin);
  return observer.commits(audit.read()).filter(({ rv }) => rv > since);
});

export interface JudgeOptions extends MonitorOptions {
  /** When no operator ran: from, to, in milliseconds since the epoch. */
  readonly operatorDown?: ReadonlyArray<readonly [number, number]>;
}

/** Judges all laws over what the server and the machines tell of the time since a version. */
export const judge = Effect.fn("judge")(function* (
  since: number,
  pools: ReadonlyArray<MachinePool>,
  options: JudgeOptions = {},
) {
  return judgeCommits(yield* commitsSince(since), pools, options);
});

/** The same over given commits. */
export const judgeCommits = (
  commits: ReadonlyArray<Commit>,
  pools: ReadonlyArray<MachinePool>,
  options: JudgeOptions = {},
): Judgement => {
  const hostLog = pools.flatMap((pool) => pool.hostLog).toSorted((a, b) => a.at - b.at);
  const startedAt = Math.min(commits[0]?.at ?? Infinity, hostLog[0]?.at ?? Infinity);
  const monitors = makeMonitors({ ...TOLERANCE, startedAt, ...options });
  const downs = (options.operatorDown ?? []).flatMap(([from, to]) => [
    { at: from, up: false },
    { at: to, up: true },
  ]);
  const facts = [
    ...commits.map((commit) => ({ at: commit.at, tell: () => monitors.commit(commit) })),
    ...hostLog.map((event) => ({ at: event.at, tell: () => monitors.host(event) })),
    ...downs.map(({ at, up }) => ({ at, tell: () => monitors.operator(up, at) })),
  ].toSorted((a, b) => a.at - b.at);
  for (const fact of facts) fact.tell();
  monitors.finish(facts.at(-1)?.at ?? startedAt);
  return { commits, hostLog, violations: monitors.violations, laws: monitors.laws };
};

/** Fails with everything that is wrong with a run, so that a test shows all of it at once. */
export const expectLawful = (judgement: Judgement, pools: ReadonlyArray<MachinePool>): void => {
  const problems = [
    ...judgement.violations.map(({ law, message }) => `${law}: ${message}`),
    ...pools.flatMap(({ crashes }) => crashes),
  ];
  Result.getOrThrow(
    problems.length === 0 ? Result.void : Result.fail(new Error(problems.join("\n"))),
  );
};
