/**
 * The ordinary workloads of a simulation: created before anything else happens, and given time until all their Pods run, so that the
 * operation meets a cluster at work.
 */
import type { KubeObject, NewKubeObject } from "../../domain/kube/object.ts";
import {
  Deployments,
  Namespaces,
  PersistentVolumeClaims,
  PersistentVolumes,
  PodDisruptionBudgets,
  Pods,
  ReplicaSets,
  type Resource,
  ServiceAccounts,
  StatefulSets,
  VolumeAttachments,
} from "../../domain/kube/resource.ts";
import type { FakeCluster } from "../../services/fake/FakeCluster.ts";
import type { KubeRequest } from "../../services/KubeTransport.ts";
import { isDisruptionBudget } from "../../services/disruptionBudget.ts";
import { ResourceQuotas } from "../../services/quota.ts";
import { statusToError } from "../../services/statusError.ts";
import {
  isActive,
  isPod,
  isPodReady,
  isTerminalPhase,
  type Pod,
} from "../../services/world/pod.ts";
import { isClaim } from "../../services/world/volume.ts";
import { isWorkload } from "../../services/world/workload.ts";
import type { Manifests } from "./manifests.ts";
import { objectName } from "./operations.ts";
import { refusalProblems } from "./refusal.ts";
import { accountOf } from "./workloadManifest.ts";

/** How long before the story workloads are created: enough for image pulls and a dozen Pods one after the other. */
export const SETTLE_MILLIS = 10 * 60_000;

const RESOURCES: ReadonlyArray<Resource> = [
  Namespaces,
  ResourceQuotas,
  PersistentVolumes,
  PersistentVolumeClaims,
  VolumeAttachments,
  PodDisruptionBudgets,
  Deployments,
  ReplicaSets,
  StatefulSets,
  Pods,
];

export class Workloads {
  readonly #manifests: Manifests;
  readonly #cluster: FakeCluster;

  constructor(manifests: Manifests, cluster: FakeCluster) {
    this.#manifests = manifests;
    this.#cluster = cluster;
  }

  /** The user's `kubectl apply`; budgets and volumes first, so that none comes too late for its Pods. Answers with what is refused. */
  create(): ReadonlyArray<string> {
    const objects = this.#manifests.workloads ?? [];
    for (const object of objects) this.#createAccount(object);
    return RESOURCES.flatMap((resource) =>
      objects
        .filter(({ kind }) => kind === resource.kind)
        .flatMap((object) => this.#create(resource, object)),
    );
  }

  #create(resource: Resource, body: NewKubeObject): ReadonlyArray<string> {
    const { namespace } = body.metadata;
    const where = namespace === undefined ? {} : { namespace };
    const request: KubeRequest = { verb: "create", resource, ...where, body };
    const answer = this.#cluster.handle("user", request);
    if (answer.ok) return [];
    const error = statusToError(`create ${objectName(body)}`, answer.status);
    return refusalProblems(error, this.#manifests);
  }

  /** An account that Pods name is there: what it may do plays no part. */
  #createAccount(object: NewKubeObject): void {
    const name = accountOf(object);
    if (name === undefined) return;
    const { namespace = "default" } = object.metadata;
    this.#cluster.handle("user", {
      verb: "create",
      resource: ServiceAccounts,
      namespace,
      body: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } },
    });
  }

  /** What does not run yet, a sentence each; nothing when the cluster is at work. */
  get problems(): ReadonlyArray<string> {
    const pods = [...this.#cluster.objects(Pods)].filter(isPod);
    return [
      ...[...this.#cluster.objects(PersistentVolumeClaims)].flatMap((claim) =>
        this.#claimProblems(claim),
      ),
      ...pods.flatMap((pod) => this.#podProblems(pod)),
      ...[ReplicaSets, StatefulSets].flatMap((resource) =>
        [...this.#cluster.objects(resource)].flatMap((set) => this.#setProblems(set, pods)),
      ),
      ...[...this.#cluster.objects(PodDisruptionBudgets)].flatMap((budget) =>
        isDisruptionBudget(budget) &&
        budget.status.observedGeneration !== budget.metadata.generation
          ? [this.#about(budget, budgetProblem(budget.status.conditions?.[0]?.message))]
          : [],
      ),
    ];
  }

  /** Of a volume that nobody gives nothing would be attached, and nothing detached. */
  #claimProblems(claim: KubeObject): ReadonlyArray<string> {
    const name = isClaim(claim) ? (claim.spec.volumeName ?? "") : "";
    return this.#cluster.object(PersistentVolumes, { name }) === undefined
      ? [this.#about(claim, `its PersistentVolume ${name} is not there; give it, too`)]
      : [];
  }

  #podProblems(pod: Pod): ReadonlyArray<string> {
    if (isTerminalPhase(pod.status?.phase) || isPodReady(pod)) return [];
    const why = pod.status?.conditions?.find(({ message = "" }) => message !== "")?.message;
    const waiting = pod.status?.containerStatuses?.find(({ state }) => state.waiting !== undefined);
    const reason = why ?? waiting?.state.waiting?.reason ?? "no node runs it";
    return [this.#about(pod, `does not run: ${reason}`)];
  }

  #setProblems(set: KubeObject, pods: ReadonlyArray<Pod>): ReadonlyArray<string> {
    if (!isWorkload(set)) return [];
    const own = pods.filter(
      (pod) =>
        isActive(pod) &&
        pod.metadata.ownerReferences?.some(({ uid }) => uid === set.metadata.uid) === true,
    );
    const { replicas } = set.spec;
    return own.length === replicas
      ? []
      : [this.#about(set, `has ${own.length} of ${replicas} Pods`)];
  }

  #about(object: KubeObject, what: string): string {
    const name = objectName(object);
    const file = this.#manifests.files?.[name];
    return `${file === undefined ? "" : `${file}: `}${name}: ${what}`;
  }
}

const budgetProblem = (message = "nobody counts its Pods"): string =>
  `its Pods cannot be counted: ${message}; set minAvailable to a number`;
