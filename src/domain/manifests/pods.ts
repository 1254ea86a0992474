/** What the Pods of operator and node labeler have in common: they run as nobody, and may nothing on their node. */
import { type Installation, NON_ROOT_ID } from "./installation.ts";

/** What PodSecurity "restricted" asks of a Pod. */
export const RESTRICTED_POD = {
  runAsNonRoot: true,
  runAsUser: NON_ROOT_ID,
  runAsGroup: NON_ROOT_ID,
  seccompProfile: { type: "RuntimeDefault" },
} as const;

/** What it asks of a container; and nothing is written to its root file system. */
export const RESTRICTED_CONTAINER = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  readOnlyRootFilesystem: true,
} as const;

/** An environment variable whose value is a field of the Pod. */
export const fromField = (name: string, fieldPath: string) => ({
  name,
  valueFrom: { fieldRef: { fieldPath } },
});

/** The image, and how it is pulled: an image that was imported into a node is used, whatever its tag is. */
export const imageOf = ({ image }: Installation) => ({ image, imagePullPolicy: "IfNotPresent" });

/** The Secrets with which it is pulled. */
export const pullSecretsOf = ({ pullSecrets }: Installation) =>
  pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets.map((name) => ({ name })) };
