/** The end of a success, and stage Releasing: only a node seen free of this operation is Completed (design.md §4 "release"). */
import { act, advance, confirm, type Step } from "../decision.ts";
import { finish } from "../entry.ts";
import { isLive, isSameNode, type NodeInFlight } from "../observed.ts";
import { deletions, release, RELEASING } from "./actions.ts";

/** Everything is done on this node: let it go, and once a live read shows that, store Completed. */
export const completed = (at: NodeInFlight, message: string): Step => {
  // The cache may still show the Node from before it was held, which would look as if it had been let go.
  if (isSameNode(at) && !isLive(at.observed, { _tag: "Node", node: at.name }))
    return confirm(RELEASING, { _tag: "Node", node: at.name });
  const patch = release(at, true);
  return patch === undefined
    ? advance(finish(at, { phase: "Completed", message }))
    : act(RELEASING, patch);
};

/** A skipped node: nothing was done to it, only its preflight Pod is to go. */
export const releasing = (at: NodeInFlight): Step => {
  const leftover = deletions(at, at.children.preflightPod);
  return leftover.length > 0
    ? act(RELEASING, ...leftover)
    : completed(at, at.entry.message ?? "Skipped");
};
