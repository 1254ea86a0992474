/** What nodeop reads of volumes: which PersistentVolume is attached to which node, and to which one a claim is bound. */
import { Schema } from "effect";

const Identity = Schema.Struct({ name: Schema.String, uid: Schema.String });

/** A VolumeAttachment reduced to whose it is: a cluster has thousands, and those of other nodes are read and forgotten. */
export const VolumeAttachment = Schema.Struct({
  metadata: Identity,
  spec: Schema.Struct({
    nodeName: Schema.String,
    source: Schema.Struct({ persistentVolumeName: Schema.optionalKey(Schema.String) }),
  }),
});
export interface VolumeAttachment extends Schema.Schema.Type<typeof VolumeAttachment> {}

/** A PersistentVolumeClaim reduced to its volume; absent until it is bound. */
export const VolumeClaim = Schema.Struct({
  metadata: Identity,
  spec: Schema.optionalKey(Schema.Struct({ volumeName: Schema.optionalKey(Schema.String) })),
});
export interface VolumeClaim extends Schema.Schema.Type<typeof VolumeClaim> {}
