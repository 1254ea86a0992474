/** The accounts that operator and node labeler run under. */
import type { NewKubeObject } from "../kube/object.ts";
import { COMMON_LABELS, type Installation, LABELER_NAME, OPERATOR_NAME } from "./installation.ts";

/** The ServiceAccounts; pull secrets are in the Pods, so that a look at a Pod tells what it is pulled with. */
export const accounts = ({ namespace, labeler }: Installation): ReadonlyArray<NewKubeObject> =>
  [OPERATOR_NAME, ...(labeler ? [LABELER_NAME] : [])].map((name) => ({
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name, namespace, labels: COMMON_LABELS },
  }));
