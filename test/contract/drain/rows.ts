/**
 * Nodes to drain, as `kubectl drain` distinguishes their Pods, and where nodeop goes another way, on purpose. Each row is a
 * node of its own: one kubectl drains all of them.
 */
import type { Body } from "../support/cell.ts";

export const NAMESPACE = "drained";
/** The Pod that plays the operator's own. */
export const OWN_POD = "operator";
/** A DaemonSet that exists. */
export const DAEMON_SET = "logs";

/** How a drain is asked for: kubectl's flags by our names, and a rule that kubectl does not have. */
export interface Flags {
  readonly force: boolean;
  readonly ignoreDaemonSets: boolean;
  readonly deleteEmptyDirData: boolean;
  readonly keepsUnmanaged: boolean;
}

/** What becomes of the Pods of a row: refused before anything is done, evicted, waited for, or none of them touched. */
export type Outcome = "refuses" | "evicts" | "waits" | "leaves";

/** Where we differ: under which flags (all of those named must be so), how, and why. */
export interface Difference {
  readonly when: Partial<Flags>;
  readonly kubectl: Outcome;
  readonly nodeop: Outcome;
  readonly why: string;
}

export interface RowPod {
  /** `Kind` of its controller, or null for none; default: a ReplicaSet. */
  readonly controller?: string | null;
  readonly controllerName?: string;
  /** The owner is no controller. */
  readonly isOnlyOwned?: boolean;
  readonly emptyDir?: boolean;
  readonly mirror?: boolean;
  readonly phase?: "Pending" | "Running" | "Succeeded" | "Failed";
  /** It was deleted, and a finalizer keeps it. */
  readonly terminating?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Row {
  readonly node: string;
  readonly pods: Readonly<Record<string, RowPod>>;
  readonly differences?: ReadonlyArray<Difference>;
}

/** A node with one Pod, both of that name. */
const one = (name: string, pod: RowPod, differences: ReadonlyArray<Difference> = []): Row => ({
  node: name,
  pods: { [name]: pod },
  differences,
});

const always = (kubectl: Outcome, nodeop: Outcome, why: string): Difference => ({
  when: {},
  kubectl,
  nodeop,
  why,
});

const HOLDS_LOGS = "a finished Pod runs nothing and holds logs: it stays until its owner goes";
const LEAVES_ANYWAY = "it is on its way out already: it is waited for, and not evicted again";
const OF_OPERATION = "Pods of operations are never evicted: they upgrade the node";
const UNMANAGED_STAYS =
  "in an upgrade a Pod that nothing would create again stays and restarts with its node";
const NOT_LOOKED_UP =
  "whether its DaemonSet exists is not looked up: the garbage collector takes such a Pod";

const finished = always("evicts", "leaves", HOLDS_LOGS);
const waited = always("evicts", "waits", LEAVES_ANYWAY);
const kept = { when: { force: false, keepsUnmanaged: true }, nodeop: "leaves" } as const;
const unmanagedStays: Difference = { ...kept, kubectl: "refuses", why: UNMANAGED_STAYS };
const OPERATION = { "kairos.io/nodeop": "canary" };

export const ROWS: ReadonlyArray<Row> = [
  one("replica-set", {}),
  one("stateful-set", { controller: "StatefulSet" }),
  one("job", { controller: "Job" }),
  one("pending", { phase: "Pending" }),
  one("unknown-kind", { controller: "Widget" }),
  one("empty-dir", { emptyDir: true }),
  one("daemon-set", { controller: "DaemonSet", controllerName: DAEMON_SET }),
  one("daemon-set-empty-dir", {
    controller: "DaemonSet",
    controllerName: DAEMON_SET,
    emptyDir: true,
  }),
  one("daemon-set-gone", { controller: "DaemonSet", controllerName: "gone" }, [
    {
      when: { force: false, ignoreDaemonSets: true },
      kubectl: "refuses",
      nodeop: "leaves",
      why: NOT_LOOKED_UP,
    },
    {
      when: { force: true, ignoreDaemonSets: true },
      kubectl: "evicts",
      nodeop: "leaves",
      why: NOT_LOOKED_UP,
    },
    {
      when: { force: true, ignoreDaemonSets: false },
      kubectl: "evicts",
      nodeop: "refuses",
      why: NOT_LOOKED_UP,
    },
    {
      when: { force: false, ignoreDaemonSets: false },
      kubectl: "refuses",
      nodeop: "refuses",
      why: `${NOT_LOOKED_UP}; so it is refused in the words for any DaemonSet`,
    },
  ]),
  one("unmanaged", { controller: null }, [unmanagedStays]),
  one("owned-without-controller", { isOnlyOwned: true }, [unmanagedStays]),
  one("unmanaged-empty-dir", { controller: null, emptyDir: true }, [unmanagedStays]),
  one("mirror", { controller: "Node", mirror: true }),
  one("mirror-unmanaged", { controller: null, mirror: true }),
  one("mirror-empty-dir", { controller: "Node", mirror: true, emptyDir: true }),
  one("mirror-finished", { controller: "Node", mirror: true, phase: "Failed" }),
  one("succeeded", { controller: "Job", phase: "Succeeded" }, [finished]),
  one("failed-unmanaged", { controller: null, phase: "Failed" }, [finished]),
  one("failed-empty-dir", { phase: "Failed", emptyDir: true }, [finished]),
  one(
    "failed-daemon-set",
    { controller: "DaemonSet", controllerName: DAEMON_SET, phase: "Failed" },
    [finished],
  ),
  one("terminating", { terminating: true }, [waited]),
  one("terminating-unmanaged", { controller: null, terminating: true }, [
    { when: { force: true }, kubectl: "evicts", nodeop: "waits", why: LEAVES_ANYWAY },
    { when: { force: false }, kubectl: "refuses", nodeop: "waits", why: LEAVES_ANYWAY },
  ]),
  one("terminating-empty-dir", { terminating: true, emptyDir: true }, [
    { when: { deleteEmptyDirData: true }, kubectl: "evicts", nodeop: "waits", why: LEAVES_ANYWAY },
    {
      when: { deleteEmptyDirData: false },
      kubectl: "refuses",
      nodeop: "waits",
      why: LEAVES_ANYWAY,
    },
  ]),
  one("terminating-daemon-set", {
    controller: "DaemonSet",
    controllerName: DAEMON_SET,
    terminating: true,
  }),
  one("terminating-finished", { phase: "Succeeded", terminating: true }, [waited]),
  one("of-operation", { controller: "NodeOp", labels: OPERATION }, [
    always("evicts", "leaves", OF_OPERATION),
  ]),
  one("of-operation-job", { controller: "Job", labels: OPERATION, emptyDir: true }, [
    { when: { deleteEmptyDirData: true }, kubectl: "evicts", nodeop: "leaves", why: OF_OPERATION },
    {
      when: { deleteEmptyDirData: false },
      kubectl: "refuses",
      nodeop: "leaves",
      why: OF_OPERATION,
    },
  ]),
  one(OWN_POD, {}, [
    always(
      "evicts",
      "leaves",
      "the operator would end itself; the reboot does it at the right time",
    ),
  ]),
  {
    node: "several-reasons",
    pods: {
      "several-web": {},
      "several-logs": { controller: "DaemonSet", controllerName: DAEMON_SET },
      "several-cache-1": { emptyDir: true },
      "several-cache-2": { emptyDir: true },
      "several-bare": { controller: null },
      "several-static": { controller: "Node", mirror: true },
    },
    differences: [
      {
        when: {
          force: false,
          ignoreDaemonSets: true,
          deleteEmptyDirData: true,
          keepsUnmanaged: true,
        },
        kubectl: "refuses",
        nodeop: "evicts",
        why: UNMANAGED_STAYS,
      },
      {
        when: { force: false, ignoreDaemonSets: false, keepsUnmanaged: true },
        kubectl: "refuses",
        nodeop: "refuses",
        why: `${UNMANAGED_STAYS}: it is no reason among the others`,
      },
      {
        when: {
          force: false,
          ignoreDaemonSets: true,
          deleteEmptyDirData: false,
          keepsUnmanaged: true,
        },
        kubectl: "refuses",
        nodeop: "refuses",
        why: `${UNMANAGED_STAYS}: it is no reason among the others`,
      },
    ],
  },
];

const FINALIZERS = { finalizers: ["example.com/kept"] };
const UID = "00000000-0000-0000-0000-000000000001";

const API_VERSIONS: Readonly<Record<string, string>> = {
  Job: "batch/v1",
  Node: "v1",
  NodeOp: "operator.kairos.io/v1alpha1",
  Widget: "example.com/v1",
};

/** The Pod as it is created, bound to its node. */
export const bodyOf = (node: string, name: string, pod: RowPod): Body => {
  const { controller = "ReplicaSet", controllerName = "owner", mirror, labels } = pod;
  const owner = {
    apiVersion: API_VERSIONS[controller ?? ""] ?? "apps/v1",
    kind: controller,
    name: controllerName,
    uid: UID,
    ...(pod.isOnlyOwned === true ? {} : { controller: true }),
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: NAMESPACE,
      ...(labels === undefined ? {} : { labels }),
      ...(controller === null ? {} : { ownerReferences: [owner] }),
      ...(mirror === true ? { annotations: { "kubernetes.io/config.mirror": "hash" } } : {}),
      ...(pod.terminating === true ? FINALIZERS : {}),
    },
    spec: {
      nodeName: node,
      containers: [{ name: "c", image: "registry/image:1" }],
      // A mirror Pod may not have the token that it would get otherwise.
      automountServiceAccountToken: false,
      ...(pod.emptyDir === true ? { volumes: [{ name: "data", emptyDir: {} }] } : {}),
    },
  };
};
