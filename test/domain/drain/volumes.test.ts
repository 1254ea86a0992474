/** Which VolumeAttachments a drain waits for, and how they are told. */
import { describe, expect, it } from "@effect/vitest";
import { blockers } from "../../../src/domain/drain/blockers.ts";
import { type DrainProgress, looked, lookedAtVolumes } from "../../../src/domain/drain/progress.ts";
import { attachmentNames, hasToGo, keptClaims } from "../../../src/domain/drain/volumes.ts";
import { attachment, nodePod } from "./support.ts";

const claim = (claimName: string) => ({ name: "data", persistentVolumeClaim: { claimName } });

describe("the claims of Pods that stay", () => {
  it("are those that they name, and those of their ephemeral volumes, each once", () => {
    const pods = [
      nodePod("log-1", { volumes: [claim("logs"), { name: "hosts" }] }),
      nodePod("log-2", { volumes: [claim("logs"), { name: "tmp", ephemeral: {} }] }),
      nodePod("log-1", { namespace: "other", volumes: [claim("logs")] }),
    ];
    expect(keptClaims(pods)).toEqual([
      { namespace: "shop", name: "logs" },
      { namespace: "shop", name: "log-2-tmp" },
      { namespace: "other", name: "logs" },
    ]);
  });

  it("are not those of a Pod that has ended: its volumes are detached although it stays", () => {
    const ended = nodePod("once", { phase: "Succeeded", volumes: [claim("logs")] });
    expect(keptClaims([ended])).toEqual([]);
  });
});

describe("an attachment has to go", () => {
  it.each([
    ["of this node", attachment("a", "pv-1"), true],
    ["of another node", attachment("a", "pv-1", "worker-2"), false],
    ["of a volume of a Pod that stays", attachment("a", "pv-kept"), false],
    ["of a volume that stands in a Pod itself", attachment("a", undefined), false],
  ])("%s: %j", (_what, one, expected) => {
    expect(hasToGo(one, "worker-1", new Set(["pv-kept"]))).toBe(expected);
  });
});

const START = Date.UTC(2026, 0, 1);
const EMPTY = { evict: [], leaving: [], staying: [], refusals: [] };

const progress = (...at: ReadonlyArray<number>): DrainProgress => {
  const first = looked(undefined, { pods: [], budgets: [] }, START);
  return at.reduce(
    (before, millis) => lookedAtVolumes(before, [attachment("csi-1", "pv-1")], START + millis),
    first,
  );
};

describe("volumes that are not detached", () => {
  it("are told after a minute, with their attachments", () => {
    expect(blockers(EMPTY, progress(0), START + 59_999)).toBeUndefined();
    expect(blockers(EMPTY, progress(0, 10_000), START + 60_000)).toEqual({
      reason: "VolumesAttached",
      message:
        "Draining waits for volumes that should have been detached: VolumeAttachment csi-1 of PersistentVolume pv-1",
    });
  });

  it("are not what blocks while Pods are left", () => {
    const plan = { ...EMPTY, leaving: [nodePod("web")] };
    expect(blockers(plan, progress(0), START + 600_000)).toBeUndefined();
  });

  it("are counted anew once all were gone", () => {
    const again = lookedAtVolumes(
      lookedAtVolumes(progress(0), [], START + 30_000),
      [attachment("csi-2", "pv-2")],
      START + 40_000,
    );
    expect(again.attachedSince).toBe(START + 40_000);
  });

  it("are named up to five", () => {
    const many = Array.from({ length: 7 }, (_, index) => attachment(`csi-${index}`, `pv-${index}`));
    expect(attachmentNames(many)).toMatch(/^VolumeAttachment csi-0 .* and 2 more$/u);
  });
});

describe("what was found attached", () => {
  const pods = [nodePod("log", { owner: "DaemonSet" }), nodePod("db", { owner: "DaemonSet" })];
  const before = lookedAtVolumes(
    looked(undefined, { pods, budgets: [] }, START),
    [attachment("csi-1", "pv-1")],
    START,
  );
  it("is remembered while the node has the same Pods, and only then: the rest is listed again", () => {
    const same = { pods: pods.toReversed(), budgets: [] };
    expect(looked(before, same, START).attached).toEqual(before.attached);
    for (const others of [pods.slice(1), [...pods, nodePod("web")], [pods[0]!, nodePod("web")]])
      expect(looked(before, { pods: others, budgets: [] }, START).attached).toBeUndefined();
  });
});
