/** How the nodes of a simulated cluster are registered: their Node objects, made before anything runs. */
import type { KubeObject, NewKubeObject } from "../../domain/kube/object.ts";
import { Nodes } from "../../domain/kube/resource.ts";
import { MANAGED_LABEL } from "../../domain/labels.ts";
import type { ApiServer } from "../ApiServer.ts";
import type { KubeRequest } from "../KubeTransport.ts";
import { statusToError } from "../statusError.ts";
import type { NodeBehaviour } from "./behaviour.ts";
import type { SimulatedHost } from "./host.ts";
import { isRecord, kubeObject } from "./json.ts";
import { newNode, nodeStatus, type NodeTemplate, READY, STARTING, statusOf } from "./nodeStatus.ts";

/** One node to simulate. */
export interface SimulatedNode {
  readonly name: string;
  readonly controlPlane: boolean;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** The image that runs, and is on all partitions, at first; its tag names the version. */
  readonly image: string;
  readonly behaviour: NodeBehaviour;
  /** A Node object to start from, e.g. out of a snapshot: its labels, annotations, spec and status are taken over. */
  readonly node?: NewKubeObject | undefined;
}

/** What the node's kubelet registers: an own Node object's labels as they are, else those of a Kairos node. */
export const templateOf = ({ controlPlane, labels, node }: SimulatedNode): NodeTemplate => ({
  labels: {
    ...(node === undefined ? { [MANAGED_LABEL]: "true" } : node.metadata.labels),
    ...(node === undefined && controlPlane ? { "node-role.kubernetes.io/control-plane": "" } : {}),
    ...labels,
  },
  annotations: node?.metadata.annotations,
  spec: isRecord(node?.["spec"]) ? node["spec"] : undefined,
});

/** The boot that an own Node object says its machine is in. */
export const bootIDOf = ({ node }: SimulatedNode): string | undefined =>
  statusOf(node).nodeInfo?.bootID;

/** Creates the Node of a machine that has long been up: in its current boot, and Ready unless it never is. Throws when the server refuses it. */
export const registerNode = (
  cluster: ApiServer,
  host: SimulatedHost,
  node: SimulatedNode,
): void => {
  const actor = `kubelet/${host.name}`;
  const handle = (request: KubeRequest): KubeObject => {
    const answer = cluster.handle(actor, request);
    if (!answer.ok) throw statusToError(request, answer.status);
    return kubeObject(answer.object);
  };
  const given = statusOf(node.node);
  const own = nodeStatus(
    host,
    node.behaviour.neverReady === true ? STARTING : READY,
    given.conditions,
  );
  const nodeInfo = { ...own.nodeInfo, ...given.nodeInfo, bootID: host.boot.bootID };
  const status = { ...given, ...own, nodeInfo };
  const created = handle({
    verb: "create",
    resource: Nodes,
    body: newNode(host, templateOf(node), status),
  });
  host.nodeUID = created.metadata.uid;
  if (statusOf(created).nodeInfo?.bootID === host.boot.bootID) return;
  handle({
    verb: "patch",
    resource: Nodes,
    name: host.name,
    subresource: "status",
    patchType: "application/merge-patch+json",
    body: { metadata: { uid: host.nodeUID }, status },
  });
};
