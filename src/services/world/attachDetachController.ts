/**
 * The simulated attach-detach controller of kube-controller-manager (pkg/controller/volume/attachdetach): asks for the volumes of
 * each Pod to be attached to its node, and for their detach when no Pod there uses them any more, by making and deleting
 * VolumeAttachments. Who attaches and detaches is the CSI driver (csiDriver.ts). Nodes' `volumesAttached` are not kept.
 */
import { Effect } from "effect";
import type { NewKubeObject } from "../../domain/kube/object.ts";
import {
  PersistentVolumeClaims,
  PersistentVolumes,
  Pods,
  VolumeAttachments,
} from "../../domain/kube/resource.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import { controllerProgram } from "./controllerProgram.ts";
import { Mirror, type MirrorChange } from "./Mirror.ts";
import { isPod, type Pod } from "./pod.ts";
import { createObject, deleteObject, isGone } from "./requests.ts";
import type { SyncLoop } from "./SyncLoop.ts";
import { together } from "./together.ts";
import {
  type Attachment,
  type Claim,
  claimKeysOf,
  isAttachment,
  isClaim,
  isExclusive,
  isVolume,
  placeOf,
  usesVolumes,
  type Volume,
} from "./volume.ts";

const WORKERS = 5;

/** Runs until its process ends. */
export const attachDetachController: Effect.Effect<never, never, KubeTransport> = controllerProgram(
  { workers: WORKERS, make: (loop) => new AttachDetachController(loop) },
);

class AttachDetachController {
  readonly #loop: SyncLoop<KubeTransport>;
  readonly #pods: Mirror<Pod>;
  readonly #claims: Mirror<Claim>;
  readonly #volumes: Mirror<Volume>;
  readonly #attachments: Mirror<Attachment>;
  readonly #caches: ReadonlyArray<Pick<Mirror, "run" | "listed">>;

  constructor(loop: SyncLoop<KubeTransport>) {
    this.#loop = loop;
    const onListed = () => this.#addAll();
    this.#pods = new Mirror({
      resource: Pods,
      is: isPod,
      onChange: ({ before, after }: MirrorChange<Pod>) => {
        if (before !== undefined) this.#addPod(before);
        if (after !== undefined) this.#addPod(after);
      },
      onListed,
    });
    this.#claims = new Mirror({
      resource: PersistentVolumeClaims,
      is: isClaim,
      onChange: onListed,
      onListed,
    });
    this.#volumes = new Mirror({
      resource: PersistentVolumes,
      is: isVolume,
      onChange: onListed,
      onListed,
    });
    this.#attachments = new Mirror({
      resource: VolumeAttachments,
      is: isAttachment,
      // Where one goes, another node may have its volume.
      onChange: ({ after }) => (after === undefined ? this.#addAll() : this.#addAttachment(after)),
      onListed,
    });
    this.#caches = [this.#pods, this.#claims, this.#volumes, this.#attachments];
  }

  get run(): Effect.Effect<never, never, KubeTransport> {
    return together([...this.#caches.map((cache) => cache.run), this.#loop.run]);
  }

  /** Brings a volume to a node, or away from it. */
  readonly sync = Effect.fnUntraced(
    { self: this },
    function* (this: AttachDetachController, place: string) {
      const [node = "", name = ""] = place.split(" ");
      const volume = this.#volumes.objects.get(name);
      const attachments = [...this.#attachments.objects.values()].filter(
        ({ spec }) => spec.source.persistentVolumeName === name,
      );
      const here = attachments.find(({ spec }) => spec.nodeName === node);
      const wanted = this.#isUsed(node, name);
      if (here !== undefined && !wanted && here.metadata.deletionTimestamp === undefined)
        yield* Effect.catchIf(deleteObject(VolumeAttachments, here), isGone, () => Effect.void);
      // "Multi-Attach error for volume": its Pod waits.
      const taken = volume !== undefined && isExclusive(volume) && attachments.length > 0;
      const driver = volume?.spec.csi?.driver;
      if (here !== undefined || !wanted || taken || driver === undefined) return undefined;
      const made = yield* createObject(VolumeAttachments, attachment(node, name, driver)).pipe(
        Effect.catchTag("AlreadyExists", () => Effect.undefined),
      );
      if (made !== undefined) this.#attachments.observe(made);
      return undefined;
    },
  );

  #isUsed(node: string, volume: string): boolean {
    return [...this.#pods.objects.values()].some(
      (pod) =>
        pod.spec.nodeName === node && usesVolumes(pod) && this.#volumesOf(pod).includes(volume),
    );
  }

  #volumesOf(pod: Pod): ReadonlyArray<string> {
    return claimKeysOf(pod).flatMap(
      (claim) => this.#claims.objects.get(claim)?.spec.volumeName ?? [],
    );
  }

  get #listed(): boolean {
    return this.#caches.every(({ listed }) => listed);
  }

  /** Before all caches are complete, nothing is concluded from what they do not hold. */
  #addAll(): void {
    if (!this.#listed) return;
    for (const pod of this.#pods.objects.values()) this.#addPod(pod);
    for (const one of this.#attachments.objects.values()) this.#addAttachment(one);
  }

  #addPod(pod: Pod): void {
    const { nodeName } = pod.spec;
    if (nodeName === undefined || !this.#listed) return;
    for (const volume of this.#volumesOf(pod)) this.#loop.add(placeOf(nodeName, volume));
  }

  #addAttachment({ spec }: Attachment): void {
    const volume = spec.source.persistentVolumeName;
    if (volume !== undefined && this.#listed) this.#loop.add(placeOf(spec.nodeName, volume));
  }
}

/** A real one is named after a hash of volume, driver and node. */
const attachment = (node: string, volume: string, attacher: string): NewKubeObject => ({
  apiVersion: "storage.k8s.io/v1",
  kind: VolumeAttachments.kind,
  metadata: { name: `csi-${volume}-${node}` },
  spec: { attacher, nodeName: node, source: { persistentVolumeName: volume } },
});
