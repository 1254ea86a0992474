/** Makes the faults of a simulation happen: at a commit, at a call of the operator, or by refusing Pods. */
import { Option, Schema } from "effect";
import type { Commit } from "../../domain/history.ts";
import { Jobs, Nodes, Pods, resourceName, type Resource } from "../../domain/kube/resource.ts";
import { LABEL_REBOOT } from "../../domain/labels.ts";
import type { KubeObject } from "../../domain/kube/object.ts";
import type { Admission, Served } from "../../services/fake/FakeCluster.ts";
import { forbidden } from "../../services/fake/status.ts";
import type { KubeRequest } from "../../services/KubeTransport.ts";
import {
  deliver,
  type Interception,
  type Interceptor,
} from "../../services/simulation/interception.ts";
import { describeRequest } from "../../services/statusError.ts";
import { DELETIONS, describeFault, type Absentee, type Deletion, type Fault } from "./fault.ts";

/** "Much later" for a write that is held back: long after its sender was started again. */
export const LATE_WRITE_MILLIS = 10 * 60_000;

/** A fault that comes with a commit. */
type TimedFault = Extract<Fault, { readonly at: number }>;
type NodeEventFault = Extract<Fault, { readonly _tag: "Event" }>;

/** What the injector can do to the world. */
export interface Reach {
  /** Runs a task after the present step, on behalf of nobody in the cluster. */
  readonly soon: (task: () => void) => void;
  readonly objects: (resource: Resource) => Iterable<KubeObject>;
  /** Sends a request as a person with all rights would. */
  readonly asUser: (request: KubeRequest) => void;
  readonly powerLoss: (node: string) => void;
  readonly crashAgent: (node: string) => void;
  /** Takes somebody away for so many milliseconds. */
  readonly away: (who: Absentee, millis: number) => void;
  readonly kubeletAway: (node: string, millis: number) => void;
  /** Writes the fault into the story. */
  readonly tell: (fault: string, node?: string) => void;
}

const PlacedPod = Schema.Struct({ nodeName: Schema.optionalKey(Schema.String) });
/** Where a Pod is placed, or the Pods of a Job. */
const Placed = Schema.Struct({
  metadata: Schema.Struct({ name: Schema.String }),
  spec: Schema.Struct({
    ...PlacedPod.fields,
    template: Schema.optionalKey(Schema.Struct({ spec: PlacedPod })),
  }),
});
const decodePlaced = Schema.decodeUnknownOption(Placed);

const nodeOf = (object: unknown): string | undefined => {
  const spec = Option.getOrUndefined(decodePlaced(object))?.spec;
  return spec?.nodeName ?? spec?.template?.spec.nodeName;
};

/** Makes the faults of one simulation happen, each once, and knows which never did. */
export class FaultInjector {
  readonly #faults: ReadonlyArray<Fault>;
  readonly #happened = new Set<Fault>();
  readonly #vain = new Set<Fault>();
  /** Calls on their way whose sender is long dead, each with its fault as it was told. */
  readonly #held = new Map<Served["request"], string>();
  #commits = 0;
  #calls = 0;
  /** The operations under test, which `operation:deleted` deletes. */
  #operations: ReadonlyArray<{
    readonly resource: Resource;
    readonly namespace?: string;
    readonly name: string;
  }> = [];

  constructor(faults: ReadonlyArray<Fault>) {
    this.#faults = faults;
  }

  /** Commits since the operation was created, that one included. */
  get commits(): number {
    return this.#commits;
  }

  /** The operator's calls, over all its starts. */
  get calls(): number {
    return this.#calls;
  }

  /** Faults that were asked for and did not happen: their commit or call never came. */
  get missed(): ReadonlyArray<Fault> {
    return this.#faults.filter(
      (fault) => ("at" in fault || fault._tag === "Operator") && !this.#happened.has(fault),
    );
  }

  /** Faults whose moment came when there was nothing that they could disturb. */
  get vain(): ReadonlyArray<Fault> {
    return [...this.#vain];
  }

  /** From now on commits count. */
  start(operations: FaultInjector["operations"]): void {
    this.#operations = operations;
  }

  /** The operations under test, as given to `start`. */
  get operations() {
    return this.#operations;
  }

  /** To be told of every commit. */
  commit(_commit: Commit, reach: Reach): void {
    const at = ++this.#commits;
    for (const fault of this.#faults) {
      if (!("at" in fault) || fault.at !== at) continue;
      this.#happened.add(fault);
      reach.soon(() => this.#strike(fault, reach));
    }
  }

  #strike(fault: TimedFault, reach: Reach): void {
    switch (fault._tag) {
      case "Event":
        return this.#onNode(fault, reach);
      case "OperationDeleted":
        return this.#delete(fault.kind, reach);
      case "Away":
        reach.tell(`${ABSENCES[fault.who]} is away for ${fault.millis / 1000} s`);
        return reach.away(fault.who, fault.millis);
      case "KubeletAway":
        reach.tell(`its kubelet is away for ${fault.millis / 1000} s`, fault.node);
        return reach.kubeletAway(fault.node, fault.millis);
    }
  }

  #onNode(fault: NodeEventFault, reach: Reach): void {
    const { kind, node } = fault;
    switch (kind) {
      case "power-loss":
        reach.tell("power loss", node);
        return reach.powerLoss(node);
      case "agent-crash":
        this.#victims(fault, Pods, "the reboot agent crashes", reach);
        return reach.crashAgent(node);
      case "reboot-pod-deleted":
        return this.#deleteAll(fault, Pods, "its reboot Pod is deleted", reach);
      case "job-deleted":
        return this.#deleteAll(fault, Jobs, "its Job is deleted", reach);
      case "node-deleted":
        reach.tell("its Node is deleted", node);
        return reach.asUser(deletion(Nodes, node, undefined));
      case "cordoned":
      case "uncordoned":
        reach.tell(`a person has ${kind} it`, node);
        return reach.asUser(cordon(node, kind === "cordoned"));
    }
  }

  /** The Jobs or reboot Pods on the node of a fault, which is told. */
  #victims(fault: NodeEventFault, resource: Resource, text: string, reach: Reach) {
    const { node } = fault;
    const victims = [...reach.objects(resource)].filter(
      (object) =>
        nodeOf(object) === node &&
        (resource.kind === "Job" || object.metadata.labels?.[LABEL_REBOOT] === "true"),
    );
    if (victims.length === 0) this.#vain.add(fault);
    reach.tell(victims.length > 0 ? text : `${text} (there is none)`, node);
    return victims;
  }

  #deleteAll(fault: NodeEventFault, resource: Resource, text: string, reach: Reach): void {
    for (const { metadata } of this.#victims(fault, resource, text, reach))
      reach.asUser(deletion(resource, metadata.name, metadata.namespace));
  }

  #delete(kind: Deletion, reach: Reach): void {
    const cascade = kind === "deleted" ? "" : ` --cascade=${DELETIONS[kind].toLowerCase()}`;
    for (const { resource, name, namespace } of this.#operations) {
      reach.tell(`the user deletes ${resource.kind} ${name}${cascade}`);
      reach.asUser(deletion(resource, name, namespace, DELETIONS[kind]));
    }
  }

  /** What becomes of the operator's calls; the same for all its starts, so that a fault happens once. */
  interceptor(tell: (fault: string) => void): Interceptor {
    return ({ request }) => {
      const call = ++this.#calls;
      const fault = this.#faults.find((item) => item._tag === "Operator" && item.call === call);
      if (fault?._tag !== "Operator") return deliver;
      this.#happened.add(fault);
      const told = `${describeFault(fault)}: ${describeRequest(request)}`;
      tell(told);
      if (fault.kind === "late-write") this.#held.set(request, told);
      return INTERCEPTIONS[fault.kind];
    };
  }

  /** To be told of every request that was answered: tells what became of a call that was held back. */
  served({ request, failure }: Served, tell: (step: string, text: string) => void): void {
    const told = this.#held.get(request);
    if (told === undefined) return;
    this.#held.delete(request);
    if (failure === undefined) tell("applied", `late, ${told}`);
    else tell("refused", `late, ${told}: ${failure.message}`);
  }

  /** Refuses to create Pods for nodes on which none may be. */
  readonly admission: Admission = (_actor, request, object) => {
    const isCreated = request.verb === "create" && request.subresource === undefined;
    if (!isCreated || object.kind !== Pods.kind || !this.#isRefusedOn(nodeOf(object)))
      return undefined;
    const why = `violates PodSecurity "restricted:latest": privileged, hostPath volumes (simulated for ${nodeOf(object)})`;
    return forbidden(Pods, object.metadata.name, why);
  };

  #isRefusedOn(node: string | undefined): boolean {
    return this.#faults.some(
      (fault) => fault._tag === "Condition" && fault.kind === "pods-refused" && fault.node === node,
    );
  }
}

const INTERCEPTIONS: Readonly<Record<"crash-before" | "crash-after" | "late-write", Interception>> =
  {
    "crash-before": { kind: "KillBefore" },
    "crash-after": { kind: "KillAfter" },
    "late-write": { kind: "Hold", until: { millis: LATE_WRITE_MILLIS }, sender: "dies" },
  };

const ABSENCES: Readonly<Record<Absentee, string>> = {
  operator: "the operator",
  "api-server": "the API server",
  "controller-manager": "kube-controller-manager",
};

const deletion = (
  resource: Resource,
  name: string,
  namespace: string | undefined,
  propagationPolicy: (typeof DELETIONS)[Deletion] = "Background",
): KubeRequest => ({
  verb: "delete",
  resource,
  name,
  namespace,
  body: { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy },
});

/** What `kubectl cordon` and `kubectl uncordon` send. */
const cordon = (node: string, unschedulable: boolean): KubeRequest => ({
  verb: "patch",
  resource: Nodes,
  name: node,
  patchType: "application/merge-patch+json",
  body: { spec: { unschedulable: unschedulable ? true : null } },
});

/** `pods`, `nodeops.operator.kairos.io/status`: how requests are counted. */
export const requestedResource = ({
  resource,
  subresource,
}: {
  readonly resource: Resource;
  readonly subresource?: string | undefined;
}): string =>
  subresource === undefined ? resourceName(resource) : `${resourceName(resource)}/${subresource}`;
