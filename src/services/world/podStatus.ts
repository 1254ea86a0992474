/**
 * The status that a kubelet reports for a Pod: phase, conditions and container statuses, from its runtime's records and
 * its plan. A pure function; the rules are those of Kubernetes' pkg/kubelet/kubelet_pods.go (getPhase, generateAPIPodStatus) and
 * status_manager.go (TerminatePod).
 */
import { kubeTime } from "../../domain/kube/object.ts";
import { type ContainerRecord, type Termination, unknownTermination } from "./containerRuntime.ts";
import type {
  Condition,
  Container,
  ContainerState,
  ContainerStateTerminated,
  ContainerStatus,
  Pod,
  PodPhase,
  PodStatus,
} from "./pod.ts";
import { ENDED_BY_KUBELET, type PodPlan, type PodSituation, type Waiting } from "./podPlan.ts";

/** The conditions that belong to the kubelet; others are kept as they are. */
const OWN_CONDITIONS = ["PodScheduled", "Initialized", "ContainersReady", "Ready"];

/** What to report of a Pod that is not over for the API yet; `before` is what was reported last. */
export const podStatus = (situation: PodSituation, plan: PodPlan, before: PodStatus): PodStatus => {
  const { spec } = situation.pod;
  const records = situation.sandbox?.containers ?? new Map<string, ContainerRecord>();
  const describe = (unstarted: Waiting) => (container: Container) =>
    statusOf(container, records.get(container.name), plan, unstarted);
  const inits = (spec.initContainers ?? []).map(describe({ reason: "ContainerCreating" }));
  const initialized = inits.every(isDone) && (plan.over || !plan.createSandbox);
  const mains = spec.containers
    .map(describe({ reason: inits.length === 0 ? "ContainerCreating" : "PodInitializing" }))
    .map((status) => (plan.over && initialized ? lastWord(status) : status));
  const phase = plan.over ? finalPhase(plan, inits, mains) : livePhase(initialized, mains);
  const ready = phase === "Running" && mains.every((status) => status.ready);
  return {
    phase,
    ...(plan.over && plan.reason !== undefined
      ? { reason: plan.reason, message: ENDED_BY_KUBELET[plan.reason] }
      : {}),
    startTime: situation.startTime,
    conditions: conditions(situation, plan, before, { phase, initialized, ready }),
    ...(inits.length === 0 ? {} : { initContainerStatuses: inits }),
    containerStatuses: mains,
  };
};

/** The status of a Pod that the kubelet refuses at admission: it has no container statuses. */
export const refusedStatus = (reason: string, startTime: string): PodStatus => ({
  phase: "Failed",
  reason,
  message: `Pod was rejected: ${reason}`,
  startTime,
});

const statusOf = (
  { name, image }: Container,
  record: ContainerRecord | undefined,
  plan: PodPlan,
  unstarted: Waiting,
): ContainerStatus => {
  const waiting = plan.waiting.get(name);
  const last = waiting === undefined ? record?.lastTermination : record?.termination;
  const running = record?.process !== undefined;
  return {
    name,
    image,
    imageID: record === undefined ? "" : image,
    ready: running,
    started: running,
    restartCount: record?.restartCount ?? 0,
    state: stateOf(record, waiting, unstarted),
    lastState: last === undefined ? {} : { terminated: terminated(last) },
  };
};

const stateOf = (
  record: ContainerRecord | undefined,
  waiting: Waiting | undefined,
  unstarted: Waiting,
): ContainerState => {
  if (record?.process !== undefined) return { running: { startedAt: kubeTime(record.startedAt) } };
  if (waiting !== undefined) return { waiting };
  if (record?.termination !== undefined) return { terminated: terminated(record.termination) };
  return { waiting: unstarted };
};

const terminated = (end: Termination): ContainerStateTerminated => ({
  exitCode: end.exitCode,
  reason: end.reason,
  ...(end.message === undefined ? {} : { message: end.message }),
  startedAt: kubeTime(end.startedAt),
  finishedAt: kubeTime(end.finishedAt),
});

/** Once a Pod had begun, a container of which nothing is known counts as killed. */
const lastWord = (status: ContainerStatus): ContainerStatus => {
  if (status.state.terminated !== undefined) return status;
  const terminatedState = status.lastState.terminated ?? unknownTermination("Waiting");
  return { ...status, state: { terminated: terminatedState } };
};

const isDone = (status: ContainerStatus): boolean => status.state.terminated?.exitCode === 0;

const finalPhase = (
  plan: PodPlan,
  inits: ReadonlyArray<ContainerStatus>,
  mains: ReadonlyArray<ContainerStatus>,
): PodPhase =>
  plan.reason === undefined && inits.every(isDone) && mains.every(isDone) ? "Succeeded" : "Failed";

/** Running as soon as every container has run once; back-off does not change that. */
const livePhase = (initialized: boolean, mains: ReadonlyArray<ContainerStatus>): PodPhase =>
  initialized &&
  mains.every(
    ({ state, lastState }) => state.waiting === undefined || lastState.terminated !== undefined,
  )
    ? "Running"
    : "Pending";

const conditions = (
  situation: PodSituation,
  plan: PodPlan,
  before: PodStatus,
  is: { readonly phase: PodPhase; readonly initialized: boolean; readonly ready: boolean },
): ReadonlyArray<Condition> => {
  const ended =
    is.phase === "Succeeded" ? "PodCompleted" : is.phase === "Failed" ? "PodFailed" : undefined;
  const foreign = foreignConditions(situation.pod);
  const condition = (type: string, holds: boolean, reason: string): Condition => {
    const status = holds ? "True" : "False";
    const known = before.conditions?.find(
      (entry) => entry.type === type && entry.status === status,
    );
    const since = known?.lastTransitionTime ?? kubeTime(situation.now);
    return { type, status, ...(holds ? {} : { reason }), lastTransitionTime: since };
  };
  const own = [
    condition("PodScheduled", true, ""),
    condition("Initialized", is.initialized, "ContainersNotInitialized"),
    condition("ContainersReady", is.ready, ended ?? "ContainersNotReady"),
    condition("Ready", is.ready, ended ?? "ContainersNotReady"),
  ];
  if (plan.reason !== "Terminated" || !plan.over) return [...own, ...foreign];
  const disruption = {
    ...condition("DisruptionTarget", true, ""),
    reason: "TerminationByKubelet",
    message: ENDED_BY_KUBELET.Terminated,
  };
  return [...own, ...foreign.filter(({ type }) => type !== "DisruptionTarget"), disruption];
};

const foreignConditions = (pod: Pod): ReadonlyArray<Condition> =>
  (pod.status?.conditions ?? []).filter(({ type }) => !OWN_CONDITIONS.includes(type));
