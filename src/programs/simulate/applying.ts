/** What the user does before anybody else: applies the operations of the manifests, and signs Nodes with their names. */
import { ANNOTATION_HELD_BY, holder } from "../../domain/labels.ts";
import { NodeOps, NodeOpUpgrades, Nodes, type Resource } from "../../domain/kube/resource.ts";
import type { FakeCluster } from "../../services/fake/FakeCluster.ts";
import type { KubeRequest } from "../../services/KubeTransport.ts";
import { statusToError } from "../../services/statusError.ts";
import type { Manifests } from "./manifests.ts";
import type { SimulationOptions } from "./options.ts";
import { refusalProblems } from "./refusal.ts";

const resourceOf = (kind: string): Resource => (kind === "NodeOp" ? NodeOps : NodeOpUpgrades);

/** The operations of manifests, as a fault that deletes them needs them. */
export const operationRefs = ({ operations }: Manifests) =>
  operations.map(({ kind, metadata }) => ({
    resource: resourceOf(kind),
    name: metadata.name ?? "",
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
  }));

/** `kubectl apply` of all operations; answers with what the cluster finds wrong with them. */
export const applyOperations = (
  manifests: Manifests,
  cluster: FakeCluster,
): ReadonlyArray<string> =>
  manifests.operations.flatMap((object) => {
    const request: KubeRequest = {
      verb: "create",
      resource: resourceOf(object.kind),
      namespace: object.metadata.namespace,
      body: object,
      query: { fieldValidation: "Strict" },
    };
    const answer = cluster.handle("user", request);
    return answer.ok ? [] : refusalProblems(statusToError(request, answer.status), manifests);
  });

/** Somebody signs Nodes with the name of an operation that exists. */
export const putHolds = (
  holds: NonNullable<SimulationOptions["holds"]>,
  cluster: FakeCluster,
): void => {
  for (const { node, operation } of holds)
    for (const { metadata } of cluster.objects(NodeOps)) {
      if (metadata.name !== operation) continue;
      const annotations = { [ANNOTATION_HELD_BY]: holder({ namespace: "", ...metadata }) };
      cluster.handle("user", {
        verb: "patch",
        resource: Nodes,
        name: node,
        patchType: "application/merge-patch+json",
        body: { metadata: { annotations } },
      });
    }
};
