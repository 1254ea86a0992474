/**
 * What the Deployment controller does about the ReplicaSets of a Deployment next: a pure function (pkg/controller/deployment,
 * rolling.go, recreate.go, sync.go). One step at a time; the ReplicaSets' own statuses bring on the next.
 */
import type { NewKubeObject } from "../../domain/kube/object.ts";
import {
  type Deployment,
  fenceposts,
  isOfTemplate,
  isRecreated,
  replicaSetOf,
  revisionOf,
  total,
  wasScaled,
} from "./deployment.ts";
import type { Workload } from "./workload.ts";

/** So many replicas for a ReplicaSet. */
export interface Scaling {
  readonly set: Workload;
  readonly replicas: number;
}

export interface DeploymentPlan {
  /** The ReplicaSet of the current template, if there is one. */
  readonly current: Workload | undefined;
  readonly create: NewKubeObject | undefined;
  readonly scale: ReadonlyArray<Scaling>;
  /** The revision that the current ReplicaSet, and the Deployment, are at; 0 before the first. */
  readonly revision: number;
}

/** The next step. `sets` are all ReplicaSets that the Deployment controls, `populated` the uids of those whose Pods have not all ended. */
export const planDeployment = (
  deployment: Deployment,
  sets: ReadonlyArray<Workload>,
  populated: ReadonlySet<string>,
): DeploymentPlan => {
  const oldestFirst = sets.toSorted(byAge);
  const current = oldestFirst.find((set) => isOfTemplate(deployment, set));
  const old = oldestFirst.filter((set) => set !== current);
  const last = Math.max(0, ...old.map(revisionOf));
  const revision =
    current === undefined ? last : Math.max(revisionOf(current), old.length > 0 ? last + 1 : 1);
  const plan: DeploymentPlan = { current, create: undefined, scale: [], revision };
  const { paused, replicas } = deployment.spec;
  const scaled = oldestFirst.some((set) => set.spec.replicas > 0 && wasScaled(deployment, set));
  if (paused === true || scaled) {
    const only = onlyActive(oldestFirst, current);
    // A rollout that is scaled midway goes on towards the new number.
    if (only !== undefined) return { ...plan, scale: to(only, replicas) };
    if (paused === true) return plan;
  }
  const isRecreate = isRecreated(deployment);
  if (isRecreate) {
    const down = old.flatMap((set) => to(set, 0));
    if (down.length > 0) return { ...plan, scale: down };
    if (
      old.some(({ metadata, status }) => (status?.replicas ?? 0) > 0 || populated.has(metadata.uid))
    )
      return plan;
  }
  if (current === undefined) {
    const first = firstReplicas(deployment, old);
    const create = replicaSetOf(deployment, first, last + 1);
    return { ...plan, create, revision: last + 1 };
  }
  const up = to(current, isRecreate ? replicas : nextReplicas(deployment, current, oldestFirst));
  if (up.length > 0 || isRecreate) return { ...plan, scale: up };
  return { ...plan, scale: scaleDown(deployment, current, old) };
};

const byAge = (one: Workload, other: Workload): number =>
  one.metadata.creationTimestamp < other.metadata.creationTimestamp ||
  (one.metadata.creationTimestamp === other.metadata.creationTimestamp &&
    one.metadata.name < other.metadata.name)
    ? -1
    : 1;

const to = (set: Workload, replicas: number): ReadonlyArray<Scaling> =>
  set.spec.replicas === replicas ? [] : [{ set, replicas }];

/** The one ReplicaSet that has Pods, or the latest where none has; undefined in the middle of a rollout. */
const onlyActive = (
  oldestFirst: ReadonlyArray<Workload>,
  current: Workload | undefined,
): Workload | undefined => {
  const active = oldestFirst.filter(({ spec }) => spec.replicas > 0);
  if (active.length > 1) return undefined;
  return active[0] ?? current ?? oldestFirst.at(-1);
};

const firstReplicas = (deployment: Deployment, old: ReadonlyArray<Workload>): number => {
  const { replicas } = deployment.spec;
  if (isRecreated(deployment)) return replicas;
  const room = replicas + fenceposts(deployment).surge - total(old, ({ spec }) => spec.replicas);
  return Math.max(0, Math.min(replicas, room));
};

/** The new ReplicaSet grows as far as the surge allows (util.NewRSNewReplicas). */
const nextReplicas = (
  deployment: Deployment,
  current: Workload,
  sets: ReadonlyArray<Workload>,
): number => {
  const { replicas } = deployment.spec;
  const has = current.spec.replicas;
  if (has >= replicas) return replicas;
  const room = replicas + fenceposts(deployment).surge - total(sets, ({ spec }) => spec.replicas);
  return has + Math.max(0, Math.min(room, replicas - has));
};

const availableOf = ({ status }: Workload): number => status?.availableReplicas ?? 0;

/** The old ones shrink, the oldest first: by what is not available anyway, then by what the Deployment can spare. */
const scaleDown = (
  deployment: Deployment,
  current: Workload,
  old: ReadonlyArray<Workload>,
): ReadonlyArray<Scaling> => {
  const least = deployment.spec.replicas - fenceposts(deployment).unavailable;
  const all = [...old, current];
  const notYet = current.spec.replicas - availableOf(current);
  let room = total(all, ({ spec }) => spec.replicas) - least - notYet;
  if (room <= 0) return [];
  const wanted = new Map<Workload, number>();
  for (const set of old) {
    const unavailable = Math.max(0, set.spec.replicas - availableOf(set));
    const removed = Math.min(room, unavailable);
    room -= removed;
    wanted.set(set, set.spec.replicas - removed);
  }
  let spare = Math.max(0, total(all, availableOf) - least);
  for (const set of old) {
    const has = wanted.get(set) ?? 0;
    const removed = Math.min(has, spare);
    spare -= removed;
    wanted.set(set, has - removed);
  }
  return [...wanted].flatMap(([set, replicas]) => to(set, replicas));
};
