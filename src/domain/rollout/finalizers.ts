/** When an operation carries a finalizer: ours while it is at work, the Go original's no longer than that. */
import type { NodeOp } from "../api/nodeop.ts";
import { FINALIZER, ORIGINAL_FINALIZER } from "../labels.ts";
import type { Action } from "./decision.ts";

/** Whether ours is there: nothing is claimed before. */
export const hasFinalizer = ({ metadata }: NodeOp): boolean =>
  metadata.finalizers?.includes(FINALIZER) === true;

/** The finalizer is there only while something is in flight or about to be, so that an idle operation never hangs. */
export const finalizerAction = (
  operation: NodeOp,
  isBusy: boolean,
  claims: boolean,
): ReadonlyArray<Action> => {
  if (!hasFinalizer(operation) && claims) return [{ _tag: "AddFinalizer" }];
  return isBusy || claims ? [] : removal(operation);
};

/** With ours goes the Go original's: nothing of the operation needs what it stands for any more. */
export const removal = (operation: NodeOp): ReadonlyArray<Action> =>
  hasFinalizer(operation) || operation.metadata.finalizers?.includes(ORIGINAL_FINALIZER) === true
    ? [{ _tag: "RemoveFinalizer" }]
    : [];
