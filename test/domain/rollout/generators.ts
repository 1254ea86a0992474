/** What `decide` sees of a random situation: the objects that its choices stand for. */
import type { NodeStatus } from "../../../src/domain/api/status.ts";
import type { Job } from "../../../src/domain/kube/job.ts";
import type { Node } from "../../../src/domain/kube/node.ts";
import { kubeTime } from "../../../src/domain/kube/object.ts";
import type { Pod } from "../../../src/domain/kube/pod.ts";
import type { NodePod } from "../../../src/domain/kube/nodePod.ts";
import type { DrainProgress } from "../../../src/domain/drain/progress.ts";
import { FINALIZER } from "../../../src/domain/labels.ts";
import type { Note } from "../../../src/domain/rollout/decision.ts";
import {
  DEFAULT_SETTINGS,
  evidenceKey,
  type Children,
  type Observed,
  type OtherOperation,
} from "../../../src/domain/rollout/observed.ts";
import { controlPlanesOf } from "../../../src/domain/rollout/availability.ts";
import { targetsOf } from "../../../src/domain/rollout/targets.ts";
import { nodePod } from "../drain/support.ts";
import { entry, job, MINE, node, operation, preflightPod, rebootPod, START } from "./support.ts";

import {
  type ChildrenDraft,
  type DrainDraft,
  type EntryDraft,
  type NodeDraft,
  type NodePodDraft,
  type OperationDraft,
  type Place,
  type Situation,
  type STAGES,
} from "./drafts.ts";

export const OTHERS: ReadonlyMap<string, OtherOperation> = new Map([
  ["live", "live"],
  ["finished", "finished"],
]);
const HOLDERS = {
  none: undefined,
  mine: MINE,
  live: "default/other@live",
  finished: "default/done@finished",
  unknown: "default/gone@unknown",
  nonsense: "somebody",
} as const;

/** `n1` to `n8`. */
export const nameAt = (index: number): string => `n${index + 1}`;

const version = (index: number, what: string): string => String(1000 + index * 10 + what.length);
const versioned = <A extends { readonly metadata: object }>(
  object: A,
  index: number,
  what: string,
): A => ({ ...object, metadata: { ...object.metadata, resourceVersion: version(index, what) } });
const deleting = <A extends { readonly metadata: object }>(object: A, isDeleting: boolean): A =>
  isDeleting
    ? { ...object, metadata: { ...object.metadata, deletionTimestamp: kubeTime(START) } }
    : object;

export const nodeOf = (draft: typeof NodeDraft.Type, index: number): Node | undefined => {
  if (draft.there === "no") return undefined;
  const name = nameAt(index);
  const holder = HOLDERS[draft.held];
  const owner =
    draft.cordoned === "person" || draft.cordoned === "none" ? undefined : HOLDERS[draft.cordoned];
  const made = node(name, {
    controlPlane: draft.controlPlane,
    ready: draft.ready,
    unschedulable: draft.cordoned !== "none",
    bootID: draft.boot,
    ...(draft.there === "reborn" ? { uid: `${name}-reborn` } : {}),
    annotations: {
      ...(holder === undefined ? {} : { "operator.kairos.io/held-by": holder }),
      ...(owner === undefined ? {} : { "operator.kairos.io/cordoned-by": owner }),
    },
  });
  const labelled = {
    ...made,
    metadata: {
      ...made.metadata,
      labels: { ...made.metadata.labels, pool: draft.selected ? "mine" : "other" },
    },
  };
  return deleting(versioned(labelled, index, "node"), draft.there === "terminating");
};

const PHASES: Readonly<Record<(typeof STAGES)[number], NodeStatus["phase"]>> = {
  Claimed: "Preflight",
  Preparing: "Pending",
  Upgrading: "Running",
  Rebooting: "Completed",
  Releasing: "Completed",
  Cancelling: "Failed",
  Settling: "Failed",
};

/** The entry of a place. Nothing is stored as `OperationDeleted` but by an operation that is deleted, which stays so. */
export const entryOf = (
  draft: typeof EntryDraft.Type,
  index: number,
  now: number,
  isDeleting: boolean,
): NodeStatus | undefined => {
  const name = nameAt(index);
  switch (draft.at) {
    case "none":
      return undefined;
    case "Completed":
    case "Failed":
      return {
        phase: draft.at,
        nodeUID: `${name}-uid`,
        ...(draft.at === "Failed" ? { reason: "JobFailed" } : {}),
      };
    case "Skipped":
      return { phase: "Completed", nodeUID: `${name}-uid`, reason: "Skipped" };
    case "Deleted":
      return {
        phase: "Failed",
        nodeUID: `${name}-uid`,
        reason: isDeleting ? "OperationDeleted" : "NodeGone",
      };
  }
  const isEnding = draft.at === "Cancelling" || draft.at === "Settling";
  return entry(name, {
    stage: draft.at,
    phase: PHASES[draft.at],
    stageStartedAt: kubeTime(now - draft.age),
    lastUpdated: kubeTime(now - draft.age),
    ...(draft.job === ""
      ? {}
      : { jobName: "j", jobUID: draft.job === "another" ? "another" : `${name}-job` }),
    ...(draft.version === "" ? {} : { version: draft.version }),
    ...(draft.drainedFor < 0 || draft.at !== "Preparing"
      ? {}
      : { drainingSince: kubeTime(now - Math.min(draft.drainedFor, draft.age)) }),
    ...(draft.told === "" ? {} : { reason: draft.told, message: "told" }),
    ...(isEnding
      ? { reason: "JobFailed", message: "it failed", endingSince: kubeTime(now - draft.endingAge) }
      : {}),
    ...(isEnding && draft.boot !== "" ? { bootID: draft.boot } : {}),
  });
};

const waitsForImage = (container: string) => ({
  phase: "Pending",
  containerStatuses: [
    { name: container, state: { waiting: { reason: "ErrImagePull", message: "not found" } } },
  ],
});

const preflightOf = (
  draft: (typeof ChildrenDraft.Type)["preflight"],
  name: string,
): Pod | undefined => {
  const ended = (phase: string, exitCode: number, message: string) =>
    preflightPod(name, {
      phase,
      containerStatuses: [{ name: "preflight", state: { terminated: { exitCode, message } } }],
    });
  switch (draft) {
    case "none":
      return undefined;
    case "passed":
      return ended("Succeeded", 0, "");
    case "skips":
      return ended("Succeeded", 0, "up to date");
    case "Failed":
      return ended("Failed", 2, "");
    case "refused":
      return preflightPod(name, { phase: "Failed", reason: "OutOfcpu" });
    case "no image":
      return preflightPod(name, waitsForImage("preflight"));
    default:
      return preflightPod(name, { phase: draft });
  }
};

const annotationsOf = (
  state: (typeof ChildrenDraft.Type)["rebootState"],
  name: string,
): Record<string, string> => {
  const granted = { "kairos.io/reboot-granted": `${name}-job` };
  const told = (what: string, more: Record<string, string> = {}) => ({
    ...granted,
    "kairos.io/reboot-state": what,
    ...more,
  });
  const reported = (bootState: string) =>
    told("completed", {
      "kairos.io/reboot-report": JSON.stringify({
        from: "boot-1",
        to: "boot-2",
        bootState,
        version: "v2",
      }),
    });
  switch (state) {
    case "none":
      return {};
    case "granted":
      return granted;
    case "rebooting":
      return told("rebooting", {
        "kairos.io/reboot-boot-id": "boot-1",
        "kairos.io/reboot-attempt": "1",
      });
    case "nonsense":
      return told("completed", { "kairos.io/reboot-report": "{" });
    case "failed":
      return told("failed");
    default:
      return reported(state);
  }
};

const rebootOf = (draft: typeof ChildrenDraft.Type, name: string): Pod | undefined => {
  if (draft.reboot === "none") return undefined;
  const annotations = annotationsOf(draft.rebootState, name);
  if (draft.reboot !== "no image") return rebootPod(name, { phase: draft.reboot, annotations });
  return { ...rebootPod(name, { annotations }), status: waitsForImage("reboot") };
};

const jobOf = (draft: (typeof ChildrenDraft.Type)["job"], name: string): Job | undefined => {
  switch (draft) {
    case "none":
      return undefined;
    case "running":
      return job(name);
    case "suspended":
      return job(name, { suspend: true });
    case "stopped":
      return job(name, { suspend: true, annotations: { "operator.kairos.io/stopped": "true" } });
    default:
      return job(name, { condition: draft });
  }
};

const jobPodsOf = (
  draft: (typeof ChildrenDraft.Type)["jobPod"],
  name: string,
): ReadonlyArray<Pod> => {
  if (draft === "none") return [];
  const metadata = { name: `${name}-pod`, uid: `${name}-pod`, resourceVersion: "1" };
  if (draft === "no image") return [{ metadata, status: waitsForImage("nodeop") }];
  const terminated = { exitCode: 0, message: "v2" };
  return [
    {
      metadata,
      status: {
        phase: draft,
        ...(draft === "Succeeded"
          ? { initContainerStatuses: [{ name: "nodeop", state: { terminated } }] }
          : {}),
      },
    },
  ];
};

export const childrenOf = (draft: typeof ChildrenDraft.Type, index: number): Children => {
  const name = nameAt(index);
  const child = <A extends { readonly metadata: object }>(
    object: A | undefined,
    what: "preflight" | "reboot" | "job",
  ): A | undefined =>
    object === undefined
      ? undefined
      : deleting(versioned(object, index, what), draft.terminating === what);
  return {
    preflightPod: child(preflightOf(draft.preflight, name), "preflight"),
    rebootPod: child(rebootOf(draft, name), "reboot"),
    job: child(jobOf(draft.job, name), "job"),
    jobPods: jobPodsOf(draft.jobPod, name),
  };
};

export const specOf = (draft: typeof OperationDraft.Type): object => ({
  concurrency: draft.concurrency,
  stopOnFailure: draft.stopOnFailure,
  cordon: draft.cordon,
  rebootOnSuccess: draft.reboot,
  uncordonOnFailure: draft.uncordonOnFailure,
  ...(draft.controlPlanesMax === 0
    ? {}
    : { controlPlane: { maxUnavailable: draft.controlPlanesMax } }),
  ...(draft.drains === "not" || !draft.cordon
    ? {}
    : {
        drainOptions: {
          enabled: true,
          force: draft.drains === "by force",
          deleteEmptyDirData: draft.drains === "by force",
          ignoreDaemonSets: draft.drains === "by force",
          timeoutSeconds: draft.drainTimeoutSeconds,
        },
      }),
  unreadyNodes: draft.unreadyNodes,
  includeNewNodes: draft.includeNewNodes,
  ...(draft.preflight ? { preflight: { command: ["true"] } } : {}),
  ...(draft.selects ? { nodeSelector: { matchLabels: { pool: "mine" } } } : {}),
  deadlines: {
    preflightSeconds: draft.deadlineSeconds,
    upgradeSeconds: draft.deadlineSeconds,
    rebootSeconds: draft.deadlineSeconds,
    drainSeconds: draft.deadlineSeconds,
    readySeconds: draft.deadlineSeconds,
  },
});

export const metadataOf = (draft: typeof OperationDraft.Type): object => ({
  finalizers: draft.finalizer ? [FINALIZER] : [],
  ...(draft.deleting ? { deletionTimestamp: kubeTime(START) } : {}),
});

/** When the situations are looked at: later than every clock in them. */
export const NOW = START + 10_000_000;

const nodePodOf = (draft: typeof NodePodDraft.Type, name: string): NodePod =>
  nodePod(name, {
    owner: draft.owner === "none" || draft.owner === "mirror" ? null : draft.owner,
    phase: draft.phase,
    emptyDir: draft.emptyDir,
    ...(draft.owner === "mirror" ? { annotations: { "kubernetes.io/config.mirror": "x" } } : {}),
    ...(draft.terminating ? { deletingSince: kubeTime(NOW - 60_000) } : {}),
  });

/** What the operator remembers of the drain; what was looked at just now has been read live (`liveOf`). */
export const drainOf = (
  draft: typeof DrainDraft.Type,
  index: number,
): DrainProgress | undefined => {
  if (draft.looked === "never") return undefined;
  const drafts = draft.pods.slice(0, draft.count);
  const podName = (nth: number) => `${nameAt(index)}-pod-${nth}`;
  return {
    pods: drafts.map((pod, nth) => nodePodOf(pod, podName(nth))),
    budgets: [],
    looks: 1,
    nextLookAt: draft.looked === "now" ? NOW + 1000 : NOW + (draft.count - 1) * 1000,
    delayed: new Map(
      drafts.flatMap(({ delayed }, nth) =>
        delayed === 0
          ? []
          : [
              [
                `${podName(nth)}-uid`,
                { since: NOW - 60_000, retryAt: NOW + delayed, why: "Budget", detail: "no" },
              ] as const,
            ],
      ),
    ),
  };
};

export const PROBLEM: Note = { reason: "PodRefused", message: "refused by policy", problem: true };

/** What was read live: everything about the nodes whose draft says so. */
export const liveOf = (
  places: ReadonlyArray<Pick<Place, "context" | "drain">>,
): ReadonlySet<string> =>
  new Set(
    places.flatMap(({ context: { read }, drain }, index) => [
      ...(drain.looked === "now" ? [evidenceKey({ _tag: "NodePods", node: nameAt(index) })] : []),
      ...(read
        ? [
            ...(["Node", "Job", "JobPods", "JobEvents"] as const).map((_tag) =>
              evidenceKey({ _tag, node: nameAt(index) }),
            ),
            evidenceKey({ _tag: "Holder", holder: HOLDERS.unknown }),
          ]
        : []),
    ]),
  );

const defined = <A>(
  pairs: ReadonlyArray<readonly [string, A | undefined]>,
): ReadonlyArray<readonly [string, A]> =>
  pairs.flatMap(([name, value]): ReadonlyArray<readonly [string, A]> =>
    value === undefined ? [] : [[name, value]],
  );

/** What `decide` sees of a situation. */
export const observedOf = (situation: Situation): Observed => {
  const places: ReadonlyArray<Place> = situation.places.slice(0, situation.count);
  const nodes = new Map(
    defined(places.map((place, index) => [nameAt(index), nodeOf(place.node, index)] as const)),
  );
  const nodeStatuses = Object.fromEntries(
    defined(
      places.map(
        (place, index) =>
          [nameAt(index), entryOf(place.entry, index, NOW, situation.operation.deleting)] as const,
      ),
    ),
  );
  const notReadySince = Object.fromEntries(
    places.flatMap(({ node: { unreadyFor } }, index) =>
      unreadyFor < 0 || Object.hasOwn(nodeStatuses, nameAt(index))
        ? []
        : [[nameAt(index), kubeTime(NOW - unreadyFor)] as const],
    ),
  );
  const seen = operation({
    spec: specOf(situation.operation),
    metadata: metadataOf(situation.operation),
    status: {
      observedGeneration: 1,
      nodeStatuses,
      ...(Object.keys(notReadySince).length === 0 ? {} : { notReadySince }),
    },
  });
  return {
    now: NOW,
    operation: seen,
    nodes,
    targets: targetsOf(seen.spec, nodes.values()),
    controlPlanes: controlPlanesOf(nodes.values()),
    children: new Map(
      places.map((place, index) => [nameAt(index), childrenOf(place.children, index)]),
    ),
    claimedByOthers: new Map(
      places.flatMap(({ context }, index) =>
        context.claimedByAnother ? [[nameAt(index), "default/other"] as const] : [],
      ),
    ),
    otherOperations: OTHERS,
    live: liveOf(places),
    rehearsal: { generation: seen.metadata.generation ?? 0 },
    drains: new Map(
      defined(places.map((place, index) => [nameAt(index), drainOf(place.drain, index)] as const)),
    ),
    problems: new Map(
      places.flatMap(({ context }, index) =>
        context.problem === "" ? [] : [[nameAt(index), PROBLEM] as const],
      ),
    ),
    settings: DEFAULT_SETTINGS,
  };
};
