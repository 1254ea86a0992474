/**
 * The simulated CSI driver, with its sidecar external-attacher: attaches the volumes of new VolumeAttachments, and detaches those of
 * VolumeAttachments that are being deleted, which its finalizer keeps until then. One driver serves all volumes.
 */
import { Effect } from "effect";
import { VolumeAttachments } from "../../domain/kube/resource.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import { drawMillis, type SecondsRange } from "./behaviour.ts";
import { REACTION_SECONDS } from "./controllerProgram.ts";
import { Mirror } from "./Mirror.ts";
import { isGone, patchObject } from "./requests.ts";
import { SyncLoop } from "./SyncLoop.ts";
import { together } from "./together.ts";
import { type Attachment, isAttachment } from "./volume.ts";

export interface CsiDriverOptions {
  /** Whether what is attached to the node is never detached. */
  readonly keeps: (node: string) => boolean;
  /** How long attaching takes, and detaching. Default: as long as a cloud takes to move a disk. */
  readonly attachSeconds?: SecondsRange | undefined;
  readonly detachSeconds?: SecondsRange | undefined;
}

const ATTACH_SECONDS: SecondsRange = [1, 5];
const DETACH_SECONDS: SecondsRange = [5, 20];
const WORKERS = 10;

/** Runs until its process ends. */
export const csiDriver = (options: CsiDriverOptions): Effect.Effect<never, never, KubeTransport> =>
  Effect.gen(function* () {
    const loop: SyncLoop<KubeTransport> = yield* SyncLoop.make({
      workers: WORKERS,
      reactionSeconds: REACTION_SECONDS,
      sync: (name) => {
        const one = attachments.objects.get(name);
        return one === undefined ? Effect.undefined : serve(one, options);
      },
    });
    const attachments: Mirror<Attachment> = new Mirror({
      resource: VolumeAttachments,
      is: isAttachment,
      onChange: ({ after }) => {
        if (after !== undefined) loop.add(after.metadata.name);
      },
    });
    return yield* together([attachments.run, loop.run]);
  });

const finalizerOf = ({ spec }: Attachment): string =>
  `external-attacher/${spec.attacher.replaceAll(".", "-")}`;

/** One step of one attachment; its own change brings the next. */
const serve = (one: Attachment, options: CsiDriverOptions) => {
  const { metadata, spec, status } = one;
  const { resourceVersion, finalizers = [] } = metadata;
  const finalizer = finalizerOf(one);
  const isMarked = finalizers.includes(finalizer);
  if (metadata.deletionTimestamp !== undefined)
    return !isMarked || options.keeps(spec.nodeName)
      ? Effect.undefined
      : after(options.detachSeconds ?? DETACH_SECONDS, one, {
          metadata: { resourceVersion, finalizers: finalizers.filter((own) => own !== finalizer) },
        });
  if (!isMarked)
    return write(one, { metadata: { resourceVersion, finalizers: [...finalizers, finalizer] } });
  return status?.attached === true
    ? Effect.undefined
    : after(options.attachSeconds ?? ATTACH_SECONDS, one, { status: { attached: true } }, "status");
};

/** Works on it for a while, then writes that it is done. */
const after = (
  seconds: SecondsRange,
  ...[one, patch, subresource]: Parameters<typeof write>
): ReturnType<typeof write> =>
  Effect.andThen(Effect.flatMap(drawMillis(seconds), Effect.sleep), write(one, patch, subresource));

/** Who changed it meanwhile brings it here again. */
const write = (
  one: Attachment,
  patch: { readonly metadata?: object; readonly status?: object },
  subresource?: "status",
) =>
  patchObject(VolumeAttachments, one, patch, subresource).pipe(
    Effect.as(undefined),
    Effect.catchIf(isGone, () => Effect.undefined),
  );
