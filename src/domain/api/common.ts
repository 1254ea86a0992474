/** Pieces of spec that NodeOp and NodeOpUpgrade share. */
import { Schema } from "effect";
import { API_GROUP, API_VERSION } from "../kube/resource.ts";
import { atomicList, flag, int32, open, withDefault } from "./fields.ts";

/** `apiVersion` of both kinds. */
export const ApiVersion = Schema.Literal(`${API_GROUP}/${API_VERSION}`).annotate({
  description: "The version of the API that this object is written in.",
});

/** Names a Secret in the object's own namespace. */
export const LocalObjectReference = open({
  name: withDefault(
    Schema.String.annotate({ description: "Name of the Secret, in the namespace of this object." }),
    "",
  ),
}).annotate({
  description: "Names a Secret of type kubernetes.io/dockerconfigjson.",
  "x-kubernetes-map-type": "atomic",
});
export interface LocalObjectReference extends Schema.Schema.Type<typeof LocalObjectReference> {}

export const imagePullSecrets = Schema.optionalKey(
  atomicList(
    LocalObjectReference,
    "Secrets for pulling images from private registries. They apply to every Pod of the operation.",
  ),
);

export const concurrency = withDefault(
  int32("How many nodes may be worked on at the same time; 0 means all at once. Default: 0.", 0),
  0,
);

export const stopOnFailure = flag(
  false,
  "Start no further node once one has failed, so that the first node is a canary.",
);

export const uncordonOnFailure = flag(
  false,
  "Make a node schedulable again when the operation failed on it and had cordoned it.",
);

/** What becomes of a target that was not Ready for `deadlines.readySeconds`. */
export const unreadyNodes = withDefault(
  Schema.Literals(["Wait", "Skip"]).annotate({
    description:
      "What happens to a node that is not Ready until its deadline readySeconds: Wait lets it fail then, Skip leaves it out. Default: Wait.",
  }),
  "Wait",
);

export const includeNewNodes = flag(
  false,
  "Never end for lack of nodes: nodes that match later are worked on too.",
);

/** What bounds the control planes of an operation apart from its other nodes. */
export const ControlPlane = open({
  maxUnavailable: Schema.optionalKey(
    int32(
      "Start no control plane when more than this many would then be unavailable for any reason. Absent: no limit.",
      1,
    ),
  ),
}).annotate({ description: "What bounds the control planes apart from the other nodes." });
export interface ControlPlane extends Schema.Schema.Type<typeof ControlPlane> {}

export const controlPlane = Schema.optionalKey(ControlPlane);

const seconds = (value: number, description: string) =>
  withDefault(int32(`${description} 0 means no limit. Default: ${value}.`, 0), value);

/** How long each part of the work on one node may take, in seconds; 0 is no limit. */
export const Deadlines = open({
  preflightSeconds: seconds(600, "Seconds that the preflight check of one node may take."),
  drainSeconds: seconds(
    3600,
    "Seconds that one node may take to drain, the time included in which disruption budgets block it and its volumes are detached; drainOptions.timeoutSeconds wins when it is shorter.",
  ),
  upgradeSeconds: seconds(7200, "Seconds that the Job on one node may take."),
  rebootSeconds: seconds(3600, "Seconds that one node may take to come back from its reboot."),
  readySeconds: seconds(
    3600,
    "Seconds that a node whose turn it is may be kept from starting by not being Ready.",
  ),
});
export interface Deadlines extends Schema.Schema.Type<typeof Deadlines> {}

/** Absent is the same as an empty object: every deadline then has its default. */
export const deadlines = withDefault(
  Deadlines.annotate({
    description:
      "How long each part of the work on one node may take before the node counts as failed. 0 means no limit.",
  }),
  {},
);
