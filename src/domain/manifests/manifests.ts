/** Everything that is installed, in the order in which it can be applied to an empty cluster. */
import { crds } from "../api/crd.ts";
import type { NewKubeObject } from "../kube/object.ts";
import { accounts } from "./accounts.ts";
import type { Installation } from "./installation.ts";
import { labelerAccess, labelerDaemonSet } from "./labelerDaemonSet.ts";
import { namespaceOf } from "./namespace.ts";
import { operatorAccess } from "./operatorAccess.ts";
import { metricsService, operatorDeployment } from "./operatorDeployment.ts";
import { userRoles } from "./userRoles.ts";

/**
 * The objects of an installation: what others are in or refer to comes first, and what makes Pods last, so that one
 * `kubectl apply` is enough and no Pod starts before it may do its work. The watched namespace is not among them: it is
 * the user's.
 *
 * @example
 * manifests({ ...installation, image: "registry.example/nodeop:v1" }).map(({ kind }) => kind)
 */
export const manifests = (installation: Installation): ReadonlyArray<NewKubeObject> => [
  namespaceOf(installation),
  ...crds(),
  ...accounts(installation),
  ...userRoles(),
  ...operatorAccess(installation),
  ...(installation.labeler ? labelerAccess(installation) : []),
  metricsService(installation),
  operatorDeployment(installation),
  ...(installation.labeler ? [labelerDaemonSet(installation)] : []),
];
