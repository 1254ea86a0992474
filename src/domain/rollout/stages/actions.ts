/** Small pieces that several stages are made of. */
import type { Pod } from "../../kube/pod.ts";
import { isTerminating } from "../../kube/pod.ts";
import type { Action, Note, Version } from "../decision.ts";
import { holderOf, marksOf } from "../hold.ts";
import type { NodeInFlight } from "../observed.ts";

/** The version of an object that an action carries, so that the API server refuses it on any other. */
export const versionOf = (object: {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
  };
}): Version => ({
  name: object.metadata.name,
  uid: object.metadata.uid,
  resourceVersion: object.metadata.resourceVersion,
});

export const deletePod = (node: string, pod: Pod): Action => ({
  _tag: "DeletePod",
  node,
  pod: versionOf(pod),
});

/** The deletion of a Pod that is still there and not yet on its way out. */
export const deletions = (at: NodeInFlight, ...pods: ReadonlyArray<Pod | undefined>) =>
  pods
    .filter((pod) => pod !== undefined && !isTerminating(pod))
    .map((pod) => deletePod(at.name, pod!));

/**
 * The PATCH that frees the node of this operation, or undefined when it is free: a node without the annotations, or one
 * that no longer exists or is another machine.
 */
export const release = (at: NodeInFlight, uncordon: boolean): Action | undefined => {
  const { node } = at;
  if (node === undefined || node.metadata.uid !== at.entry.nodeUID) return undefined;
  const marks = marksOf(holderOf(at.observed), node, uncordon);
  return marks === undefined
    ? undefined
    : { _tag: "Release", node: at.name, uid: node.metadata.uid, marks };
};

export const RELEASING: Note = {
  reason: "Releasing",
  message: "the node is being uncordoned and let go",
};
