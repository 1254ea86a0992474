/** What the simulated attach-detach controller and CSI driver read of volumes, claims and attachments: plain JSON. */
import type { KubeObject } from "../../domain/kube/object.ts";
import { isRecord } from "./json.ts";
import { isTerminalPhase, type Pod } from "./pod.ts";

export interface Claim extends KubeObject {
  readonly spec: { readonly volumeName?: string };
}

export interface Volume extends KubeObject {
  readonly spec: {
    readonly accessModes?: ReadonlyArray<string>;
    readonly csi?: { readonly driver: string };
  };
}

export interface Attachment extends KubeObject {
  readonly spec: {
    readonly attacher: string;
    readonly nodeName: string;
    readonly source: { readonly persistentVolumeName?: string };
  };
  readonly status?: { readonly attached: boolean };
}

export const isClaim = (object: KubeObject): object is Claim => isRecord(object["spec"]);
export const isVolume = (object: KubeObject): object is Volume => isRecord(object["spec"]);
export const isAttachment = (object: KubeObject): object is Attachment =>
  isRecord(object["spec"]) && isRecord(object["spec"]["source"]);

/** A volume on a node, as one key. */
export const placeOf = (node: string, volume: string): string => `${node} ${volume}`;

/** The keys (`namespace/name`) of the claims that a Pod uses. */
export const claimKeysOf = ({ metadata, spec }: Pod): ReadonlyArray<string> =>
  (spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    const claim =
      persistentVolumeClaim?.claimName ??
      (ephemeral === undefined ? undefined : `${metadata.name}-${name}`);
    return claim === undefined ? [] : [`${metadata.namespace ?? ""}/${claim}`];
  });

/** Whether the Pod needs its volumes on its node: it is assigned to one, and has not ended (attachdetach: `DetermineVolumeAction`). */
export const usesVolumes = (pod: Pod): boolean =>
  pod.spec.nodeName !== undefined && !isTerminalPhase(pod.status?.phase);

/** Whether only one node at a time may have the volume. */
export const isExclusive = ({ spec }: Volume): boolean =>
  spec.accessModes?.some((mode) => mode === "ReadWriteMany" || mode === "ReadOnlyMany") !== true;
