/**
 * Volumes, their claims and VolumeAttachments: what the API server makes of them, and how the attach-detach controller makes and
 * deletes VolumeAttachments for Pods. There is no CSI driver: scripts say that it has attached, and detached.
 */
import { Effect } from "effect";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import {
  Nodes,
  PersistentVolumeClaims,
  PersistentVolumes,
  Pods,
  VolumeAttachments,
} from "../../../src/domain/kube/resource.ts";
import { at, type Body, type Group, type Kit, outcome, view } from "../support/cell.ts";
import {
  BOUND_TO,
  boundPod,
  persistentVolume,
  persistentVolumeClaim,
  volumeAttachment,
} from "../support/objects.ts";

const attach = (kit: Kit, spec: Body = {}, meta: Body = {}) =>
  kit.create(VolumeAttachments, volumeAttachment(kit.named("a"), kit.named("v"), spec, meta));

const itemsOf = (list: unknown) => at(list, "items") as ReadonlyArray<KubeObject>;

/** The attachments of the cell's own volume. */
const attachmentsOf = (kit: Kit) =>
  Effect.map(kit.list(VolumeAttachments), (list) =>
    itemsOf(list).filter((item) => at(item, "spec.source.persistentVolumeName") === kit.named("v")),
  );

const count = (kit: Kit, wanted: number) =>
  kit.until(attachmentsOf(kit), (found) => found.length === wanted);

const MANAGED = { "volumes.kubernetes.io/controller-managed-attach-detach": "true" };

const using = (claimName: string) => ({
  volumes: [{ name: "data", persistentVolumeClaim: { claimName } }],
});

/** A volume, its claim, and a Pod that uses it on a node whose kubelet leaves attaching to the controller. */
const attachedToPod = (kit: Kit) =>
  Effect.gen(function* () {
    yield* kit.patch(Nodes, BOUND_TO, { metadata: { annotations: MANAGED } });
    const claim = { namespace: kit.ns, name: "c" };
    yield* kit.create(PersistentVolumes, persistentVolume(kit.named("v"), claim));
    yield* kit.create(PersistentVolumeClaims, persistentVolumeClaim("c", kit.named("v")));
    yield* kit.create(Pods, boundPod("p", using("c")));
    const [one] = yield* count(kit, 1);
    return one;
  });

const DRIVER = "external-attacher/csi-example-com";

export const volumes: Group = {
  title: "volumes",
  controllers: true,
  cells: {
    "create VolumeAttachment × answer": (kit) =>
      Effect.map(attach(kit, { nodeName: kit.named("n") }), (made) =>
        view(
          made,
          "spec.attacher",
          "spec.source",
          "status",
          "metadata.finalizers",
          "metadata.generation",
        ),
      ),
    ...Object.fromEntries(
      (
        [
          ["no attacher", { attacher: null }],
          ["no node", { nodeName: null }],
          ["no source", { source: null }],
          ["an empty source", { source: {} }],
        ] as const
      ).map(([what, spec]) => [
        `create VolumeAttachment × refused: ${what}`,
        (kit: Kit) => outcome(attach(kit, spec)),
      ]),
    ),
    "patch VolumeAttachment × its spec is fixed": (kit) =>
      Effect.andThen(
        attach(kit, { nodeName: kit.named("n") }),
        outcome(kit.patch(VolumeAttachments, kit.named("a"), { spec: { nodeName: "elsewhere" } })),
      ),
    "patch VolumeAttachment × its status has a door of its own": (kit) =>
      Effect.gen(function* () {
        yield* attach(kit, { nodeName: kit.named("n") });
        const status = { status: { attached: true } };
        const plain = yield* kit.patch(VolumeAttachments, kit.named("a"), status);
        const door = yield* kit.patch(VolumeAttachments, kit.named("a"), status, {
          subresource: "status",
        });
        return [at(plain, "status.attached"), at(door, "status.attached")];
      }),
    "list VolumeAttachments × no selector picks those of a node": (kit) =>
      outcome(kit.list(VolumeAttachments, { fieldSelector: "spec.nodeName=somewhere" })),
    "list VolumeAttachments × by name": (kit) =>
      Effect.gen(function* () {
        yield* attach(kit, { nodeName: kit.named("n") });
        const found = yield* kit.list(VolumeAttachments, {
          fieldSelector: `metadata.name=${kit.named("a")}`,
        });
        return itemsOf(found).length;
      }),
    "create PersistentVolume × answer": (kit) =>
      Effect.map(
        kit.create(
          PersistentVolumes,
          persistentVolume(kit.named("v"), { namespace: kit.ns, name: "c" }),
        ),
        (made) =>
          view(
            made,
            "metadata.finalizers",
            "spec.persistentVolumeReclaimPolicy",
            "spec.volumeMode",
            "spec.csi.driver",
            "status.phase",
          ),
      ),
    "create PersistentVolumeClaim × answer": (kit) =>
      Effect.map(
        kit.create(PersistentVolumeClaims, persistentVolumeClaim("c", kit.named("v"))),
        (made) =>
          view(made, "metadata.finalizers", "spec.volumeMode", "spec.volumeName", "status.phase"),
      ),
    "attach-detach controller × attaches the volume of a Pod": (kit) =>
      Effect.map(attachedToPod(kit), (one) =>
        view(one, "spec.attacher", "spec.nodeName", "spec.source"),
      ),
    "attach-detach controller × deletes the attachment when the Pod is gone, and the driver's finalizer keeps it":
      (kit) =>
        Effect.gen(function* () {
          const one = yield* attachedToPod(kit);
          const name = one?.metadata.name ?? "";
          yield* kit.patch(VolumeAttachments, name, { metadata: { finalizers: [DRIVER] } });
          yield* kit.patch(
            VolumeAttachments,
            name,
            { status: { attached: true } },
            { subresource: "status" },
          );
          yield* kit.delete(Pods, "p", { gracePeriodSeconds: 0 });
          const left = yield* kit.until(
            kit.get(VolumeAttachments, name),
            (it) => it.metadata.deletionTimestamp !== undefined,
          );
          yield* kit.patch(VolumeAttachments, name, { metadata: { finalizers: null } });
          return {
            isLeaving: left.metadata.deletionTimestamp !== undefined,
            isGone: yield* kit.gone(VolumeAttachments, name),
          };
        }),
    "attach-detach controller × a Pod that has ended uses its volumes no more": (kit) =>
      Effect.gen(function* () {
        const one = yield* attachedToPod(kit);
        const name = one?.metadata.name ?? "";
        yield* kit.patch(
          VolumeAttachments,
          name,
          { status: { attached: true } },
          { subresource: "status" },
        );
        yield* kit.patch(Pods, "p", { status: { phase: "Succeeded" } }, { subresource: "status" });
        return yield* kit.gone(VolumeAttachments, name);
      }),
  },
};
