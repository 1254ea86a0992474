/**
 * Which VolumeAttachments a drain waits for: those of the node whose PersistentVolume no Pod uses that stays there. So the
 * drain needs to remember nothing of the Pods that it evicted.
 *
 * The VolumeAttachments themselves tell, not the Node's `status.volumesAttached`: the attach-detach controller takes a volume
 * off that list before it asks for the detach (kube-controller-manager, attachdetach/reconciler: "Update Node Status to indicate
 * volume is no longer safe to mount"), so that it is empty while volumes are being detached.
 */
import { claimsOf, type NodePod } from "../kube/nodePod.ts";
import { type ObjectRef, objectKey } from "../kube/object.ts";
import { isTerminal } from "../kube/pod.ts";
import type { VolumeAttachment } from "../kube/volume.ts";
import { listed } from "./filter.ts";

/**
 * The claims that keep their volumes attached while the node is drained, each once: those of the Pods that stay. One that has
 * ended uses its volumes no more, and they are detached (attachdetach: `DetermineVolumeAction`).
 */
export const keptClaims = (staying: ReadonlyArray<NodePod>): ReadonlyArray<ObjectRef> => [
  ...new Map(
    staying
      .filter((pod) => !isTerminal(pod))
      .flatMap(claimsOf)
      .map((claim) => [objectKey(claim), claim] as const),
  ).values(),
];

/** Whether the attachment has to go before the node is drained; `kept`: the PersistentVolumes of the claims that stay. */
export const hasToGo = (
  { spec }: VolumeAttachment,
  node: string,
  kept: ReadonlySet<string>,
): boolean => {
  const volume = spec.source.persistentVolumeName;
  // One without a PersistentVolume is of a volume that stands in a Pod itself: nothing tells in whose.
  return spec.nodeName === node && volume !== undefined && !kept.has(volume);
};

/** `VolumeAttachment csi-1 of PersistentVolume pv-1, VolumeAttachment csi-2 of PersistentVolume pv-2 and 3 more`. */
export const attachmentNames = (attachments: ReadonlyArray<VolumeAttachment>): string =>
  listed(
    attachments.map(
      ({ metadata, spec }) =>
        `VolumeAttachment ${metadata.name} of PersistentVolume ${spec.source.persistentVolumeName ?? ""}`,
    ),
  );
