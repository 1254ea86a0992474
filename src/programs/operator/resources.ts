/** The resources that the operator reads, each with the view that its caches keep. */
import { Result, Schema } from "effect";
import { decodeNodeOp, decodeNodeOpUpgrade } from "../../domain/api/decode.ts";
import { DisruptionBudget } from "../../domain/kube/disruptionBudget.ts";
import { Event } from "../../domain/kube/event.ts";
import { Job } from "../../domain/kube/job.ts";
import { NodePod } from "../../domain/kube/nodePod.ts";
import { Node } from "../../domain/kube/node.ts";
import { Pod } from "../../domain/kube/pod.ts";
import { ViewMeta } from "../../domain/kube/view.ts";
import { VolumeAttachment, VolumeClaim } from "../../domain/kube/volume.ts";
import { ClusterRoleBinding } from "../../domain/takeover/binding.ts";
import {
  ClusterRoleBindings,
  CoreEvents,
  PersistentVolumeClaims,
  PodDisruptionBudgets,
  Jobs,
  NodeOps,
  NodeOpUpgrades,
  Nodes,
  Pods,
  type Resource,
  VolumeAttachments,
} from "../../domain/kube/resource.ts";
import { typed, typedWith } from "../../services/typed.ts";

export const NodeResource = typed(Nodes, Node);
export const PodResource = typed(Pods, Pod);
/** The Pods of a node, as its drain sees them. */
export const NodePodResource = typed(Pods, NodePod);
export const DisruptionBudgetResource = typed(PodDisruptionBudgets, DisruptionBudget);
export const VolumeAttachmentResource = typed(VolumeAttachments, VolumeAttachment);
export const VolumeClaimResource = typed(PersistentVolumeClaims, VolumeClaim);
export const JobResource = typed(Jobs, Job);
export const EventResource = typed(CoreEvents, Event);
export const ClusterRoleBindingResource = typed(ClusterRoleBindings, ClusterRoleBinding);
export const NodeOpResource = typedWith(NodeOps, (json) =>
  Result.mapError(decodeNodeOp(json), (problems) => problems.message),
);
export const NodeOpUpgradeResource = typedWith(NodeOpUpgrades, (json) =>
  Result.mapError(decodeNodeOpUpgrade(json), (problems) => problems.message),
);

/** A resource as the server has it, whatever it is: objects that may be invalid, answers that nobody looks at. */
const anything = (resource: Resource) => typedWith(resource, (json) => Result.succeed(json));

export const AnyNodeOp = anything(NodeOps);
export const AnyNodeOpUpgrade = anything(NodeOpUpgrades);
/** The answer to a dry run is no object of the store: it has no resourceVersion. */
export const AnyPod = anything(Pods);
export const AnyJob = anything(Jobs);

/** A resource of which only the metadata matters. */
export const metadataOnly = (resource: Resource) =>
  typed(resource, Schema.Struct({ metadata: ViewMeta }));
