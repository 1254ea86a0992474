/** Drains: DrainedFirst, DetachedFirst, NeverEvictsOurs, and the clause of NoCordonLeft about drains that failed. */
import { describe, expect, it } from "@effect/vitest";
import {
  PersistentVolumeClaims,
  Pods,
  VolumeAttachments,
} from "../../../src/domain/kube/resource.ts";
import {
  ANNOTATION_HELD_BY,
  LABEL_MANAGED_BY,
  LABEL_REBOOT,
  MANAGED_BY_NODEOPUPGRADE,
} from "../../../src/domain/labels.ts";
import { claimed, type History } from "./history.ts";
import type { Json } from "./store.ts";

const DRAINS = { cordon: true, drainOptions: { enabled: true } };

/** Somebody's Pod on a node. */
const workload = (
  h: History,
  node: string,
  owner: string | null = "ReplicaSet",
  volumes: ReadonlyArray<Json> = [],
) => {
  const ownerReferences =
    owner === null
      ? []
      : [{ apiVersion: "apps/v1", kind: owner, name: "o", uid: "o", controller: true }];
  return h.create(
    Pods,
    `web-${h.rv}`,
    { ownerReferences },
    {
      spec: { nodeName: node, containers: [{ name: "main" }], volumes },
      status: { phase: "Running" },
    },
    { actor: "user" },
  );
};

/** Node `a` is held while a Pod runs on it, which is `gone` or not when the Job is made. */
const held = (spec: Json, owner: string | null = "ReplicaSet") => {
  const { h, op } = claimed(spec);
  const pod = workload(h, "a", owner);
  h.wait(1000);
  h.pod(op, "a", LABEL_REBOOT);
  h.hold(op, "a");
  h.wait(1000);
  return { h, op, pod };
};

describe("DrainedFirst", () => {
  it("is broken by a Pod that was there when the node was cordoned", () => {
    const { h, op } = held(DRAINS);
    h.job(op, "a");
    expect(h.broken()).toEqual(["DrainedFirst"]);
  });
  it("holds once it is gone", () => {
    const { h, op, pod } = held(DRAINS);
    h.remove(pod, { actor: "operator", verb: "evict" });
    h.job(op, "a");
    expect(h.broken()).toEqual([]);
  });
  it("holds for what came to the node later, which no cordon keeps away", () => {
    const { h, op, pod } = held(DRAINS);
    h.remove(pod, { actor: "operator", verb: "evict" });
    workload(h, "a");
    h.job(op, "a");
    expect(h.broken()).toEqual([]);
  });
  it.each([
    ["drains nothing", { cordon: true }, "ReplicaSet"],
    ["leaves DaemonSets", DRAINS, "DaemonSet"],
  ])("holds where the operation %s", (_what, spec, owner) => {
    const { h, op } = held(spec, owner);
    h.job(op, "a");
    expect(h.broken()).toEqual([]);
  });
  it("is broken by what should have stopped the drain", () => {
    const { h, op } = held(DRAINS, null);
    h.job(op, "a");
    expect(h.broken()).toEqual(["DrainedFirst"]);
  });
});

describe("DrainedFirst, for the NodeOp of a NodeOpUpgrade", () => {
  const TAINTS = [{ key: "x", effect: "NoSchedule" }];
  it.each([
    ["is broken where another node could have taken the Pod", {}, ["DrainedFirst"]],
    ["holds where no other node tolerates it", { taints: TAINTS }, []],
    ["holds where no other node is schedulable", { unschedulable: true }, []],
  ])("%s", (_what, other, broken) => {
    const { h, op } = claimed(
      DRAINS,
      {},
      { labels: { [LABEL_MANAGED_BY]: MANAGED_BY_NODEOPUPGRADE } },
    );
    h.node("b", other);
    workload(h, "a");
    h.wait(1000);
    h.pod(op, "a", LABEL_REBOOT);
    h.hold(op, "a");
    h.job(op, "a");
    expect(h.broken()).toEqual(broken);
  });
});

/** Node `a` is held while the volume of a Pod on it is attached; there is another node, unless told otherwise. */
const attached = (
  owner: string,
  options: { readonly alone?: boolean; readonly spec?: Json } = {},
) => {
  const { h, op } = claimed({ concurrency: 1, ...(options.spec ?? DRAINS) });
  if (options.alone !== true) h.node("b");
  h.create(PersistentVolumeClaims, "data", {}, { spec: { volumeName: "pv-1" } });
  const pod = workload(h, "a", owner, [
    { name: "data", persistentVolumeClaim: { claimName: "data" } },
  ]);
  const spec = { nodeName: "a", source: { persistentVolumeName: "pv-1" } };
  const attachment = h.create(VolumeAttachments, "csi-1", {}, { spec });
  h.wait(1000);
  h.pod(op, "a", LABEL_REBOOT);
  h.hold(op, "a");
  h.wait(1000);
  return { h, op, pod, attachment };
};

describe("DetachedFirst", () => {
  it("is broken by a volume that is attached although its Pod has been evicted", () => {
    const { h, op, pod, attachment } = attached("ReplicaSet");
    h.remove(pod, { actor: "operator", verb: "evict" });
    h.mark(attachment, { actor: "attach-detach-controller" });
    h.wait(5000);
    h.job(op, "a");
    expect(h.broken()).toEqual(["DetachedFirst"]);
    expect(h.messages("DetachedFirst")[0]).toContain(
      "VolumeAttachment csi-1 of PersistentVolume pv-1",
    );
  });
  it("holds once it is detached", () => {
    const { h, op, pod, attachment } = attached("ReplicaSet");
    h.remove(pod, { actor: "operator", verb: "evict" });
    h.remove(attachment, { actor: "csi-driver" });
    h.job(op, "a");
    expect(h.broken()).toEqual([]);
  });
  it("holds for the volume of a Pod that stays", () => {
    const { h, op } = attached("DaemonSet");
    h.job(op, "a");
    expect(h.broken()).toEqual([]);
  });
  it("is broken when such a Pod has been gone for long", () => {
    const { h, op, pod } = attached("DaemonSet");
    h.remove(pod, { actor: "user" });
    h.wait(5000);
    h.job(op, "a");
    expect(h.broken()).toEqual(["DetachedFirst"]);
  });
  it("holds when such a Pod has just ended, which nobody can know yet", () => {
    const { h, op, pod } = attached("DaemonSet");
    h.update(pod, { status: { phase: "Succeeded" } }, {}, { actor: "kubelet/a" });
    h.wait(500);
    h.job(op, "a");
    expect(h.broken()).toEqual([]);
  });
  it.each([
    ["there is no other node", { alone: true }],
    ["nothing is drained", { spec: { cordon: true } }],
  ])("holds where %s", (_what, options) => {
    const { h, op, pod } = attached("ReplicaSet", options);
    h.remove(pod, { actor: "user" });
    h.wait(5000);
    h.job(op, "a");
    expect(h.broken()).toEqual([]);
  });
});

describe("NeverEvictsOurs", () => {
  it("is broken when the operator evicts a Pod of an operation", () => {
    const { h, op } = claimed(DRAINS);
    h.remove(h.pod(op, "a", LABEL_REBOOT), { actor: "operator", verb: "evict" });
    expect(h.broken()).toEqual(["NeverEvictsOurs"]);
  });
  it("holds when it evicts somebody's Pod or deletes its own, and for what others evict", () => {
    const { h, op, pod } = held(DRAINS);
    h.remove(pod, { actor: "operator", verb: "evict" });
    h.remove(h.pod(op, "a", LABEL_REBOOT), { actor: "operator", verb: "delete" });
    h.remove(h.pod(op, "a", LABEL_REBOOT), { actor: "user", verb: "evict" });
    expect(h.broken()).toEqual([]);
  });
});

/** How often NoCordonLeft is broken where the cordon of a node that failed so stays. */
const failed = (reason: string) => {
  const { h, op } = claimed({ ...DRAINS, uncordonOnFailure: false });
  h.hold(op, "a");
  h.annotate(h.nodeRef("a"), { [ANNOTATION_HELD_BY]: null });
  h.conclude(op, "a", "Failed", reason);
  h.end(op, "Failed");
  h.finish();
  return h.messages("NoCordonLeft").length;
};

describe("NoCordonLeft", () => {
  it("is broken by a cordon left on a node whose drain failed, and by no other failure", () => {
    expect(failed("DrainTimeout")).toBe(1);
    expect(failed("DrainRefused")).toBe(1);
    expect(failed("JobFailed")).toBe(0);
  });
});
