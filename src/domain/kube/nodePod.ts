/** What the drain reads of the Pods on a node: read live and forgotten, never cached. */
import { Schema } from "effect";
import type { ObjectRef } from "./object.ts";
import { Toleration } from "./taint.ts";
import { ViewMeta } from "./view.ts";

/** A Pod reduced to what decides whether it has to leave its node, and whether it has somewhere to go. */
export const NodePod = Schema.Struct({
  metadata: ViewMeta,
  spec: Schema.optionalKey(
    Schema.Struct({
      volumes: Schema.optionalKey(
        Schema.Array(
          Schema.Struct({
            name: Schema.optionalKey(Schema.String),
            emptyDir: Schema.optionalKey(Schema.Unknown),
            persistentVolumeClaim: Schema.optionalKey(Schema.Struct({ claimName: Schema.String })),
            ephemeral: Schema.optionalKey(Schema.Unknown),
          }),
        ),
      ),
      tolerations: Schema.optionalKey(Schema.Array(Toleration)),
    }),
  ),
  status: Schema.optionalKey(Schema.Struct({ phase: Schema.optionalKey(Schema.String) })),
});
export interface NodePod extends Schema.Schema.Type<typeof NodePod> {}

const ANNOTATION_MIRROR = "kubernetes.io/config.mirror";

/** Whether the Pod only shows a static Pod of the kubelet: evicting it stops nothing. */
export const isMirror = ({ metadata }: NodePod): boolean =>
  metadata.annotations?.[ANNOTATION_MIRROR] !== undefined;

/** Whether the Pod has a volume whose data goes with it. */
export const hasEmptyDir = ({ spec }: NodePod): boolean =>
  spec?.volumes?.some(({ emptyDir }) => emptyDir !== undefined && emptyDir !== null) === true;

/** The PersistentVolumeClaims that the Pod uses; that of a generic ephemeral volume is named after Pod and volume. */
export const claimsOf = ({ metadata, spec }: NodePod): ReadonlyArray<ObjectRef> =>
  (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    const { namespace } = metadata;
    if (persistentVolumeClaim !== undefined)
      return [{ namespace, name: persistentVolumeClaim.claimName }];
    return ephemeral === undefined || ephemeral === null
      ? []
      : [{ namespace, name: `${metadata.name}-${name ?? ""}` }];
  });
