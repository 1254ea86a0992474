/** The namespace that nodeop runs in, and which Pods PodSecurity admits to it. */
import type { NewKubeObject } from "../kube/object.ts";
import { COMMON_LABELS, type Installation } from "./installation.ts";

/**
 * The Namespace. The operator's Pod is a restricted one, but the node labeler mounts directories of its host, read-only,
 * and an operation that somebody makes in this namespace has privileged Pods: a cluster that restricts by default would
 * refuse both.
 */
export const namespaceOf = ({ namespace }: Installation): NewKubeObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: {
    name: namespace,
    labels: { ...COMMON_LABELS, "pod-security.kubernetes.io/enforce": "privileged" },
  },
});
