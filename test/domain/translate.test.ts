import { describe, expect, it } from "@effect/vitest";
import { Result } from "effect";
import type { NodeOpSpec } from "../../src/domain/api/nodeop.ts";
import type { NodeOpUpgrade } from "../../src/domain/api/nodeopupgrade.ts";
import { decodeNodeOp, decodeNodeOpUpgrade } from "../../src/domain/api/decode.ts";
import { preflightScript } from "../../src/domain/scripts/preflight.ts";
import { upgradeScript } from "../../src/domain/scripts/upgrade.ts";
import { steering, translate } from "../../src/domain/translate.ts";

const IMAGE = "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.2-k3sv1.30.11-k3s1";

const metadata = (name = "kairos-upgrade") => ({
  name,
  namespace: "default",
  uid: "6f1c9f0e-6a0f-4c3e-9f57-1b1d2ad6c001",
  resourceVersion: "1",
  creationTimestamp: "2025-07-25T00:00:00Z",
});

/** A NodeOpUpgrade as the API server gives it, with the defaults applied. */
const upgradeWith = (spec: Readonly<Record<string, unknown>> = {}, name?: string): NodeOpUpgrade =>
  Result.getOrThrow(
    decodeNodeOpUpgrade({
      apiVersion: "operator.kairos.io/v1alpha1",
      kind: "NodeOpUpgrade",
      metadata: metadata(name),
      spec: { image: IMAGE, ...spec },
    }),
  );

/** The spec of the NodeOp made for an upgrade, as the API server gives it back. */
const specOf = (upgrade: NodeOpUpgrade): NodeOpSpec => {
  const nodeOp = translate(upgrade);
  return Result.getOrThrow(
    decodeNodeOp({ ...nodeOp, metadata: { ...metadata(), ...nodeOp.metadata } }),
  ).spec;
};

const ACTIVE = { upgradeActive: true, upgradeRecovery: false };
const RECOVERY = { upgradeActive: false, upgradeRecovery: true };
const BOTH = { upgradeActive: true, upgradeRecovery: true };

describe("translate", () => {
  it("makes the canary example of the page into this NodeOp", () => {
    const nodeSelector = { matchLabels: { "kairos.io/managed": "true" } };
    expect(translate(upgradeWith({ nodeSelector, concurrency: 1, stopOnFailure: true }))).toEqual({
      apiVersion: "operator.kairos.io/v1alpha1",
      kind: "NodeOp",
      metadata: {
        name: "kairos-upgrade",
        namespace: "default",
        labels: {
          "app.kubernetes.io/managed-by": "nodeopupgrade-controller",
          "nodeopupgrade.kairos.io/name": "kairos-upgrade",
        },
        ownerReferences: [
          {
            apiVersion: "operator.kairos.io/v1alpha1",
            kind: "NodeOpUpgrade",
            name: "kairos-upgrade",
            uid: "6f1c9f0e-6a0f-4c3e-9f57-1b1d2ad6c001",
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: {
        nodeSelector,
        command: [
          "/bin/sh",
          "-c",
          upgradeScript({ ...ACTIVE, force: false, debug: false, excludePaths: [] }),
        ],
        hostMountPath: "/host",
        image: IMAGE,
        cordon: true,
        drainOptions: {
          enabled: true,
          force: false,
          ignoreDaemonSets: true,
          deleteEmptyDirData: true,
        },
        rebootOnSuccess: true,
        backoffLimit: 2,
        concurrency: 1,
        stopOnFailure: true,
        uncordonOnFailure: false,
        deadlines: {
          preflightSeconds: 600,
          drainSeconds: 3600,
          upgradeSeconds: 7200,
          rebootSeconds: 3600,
          readySeconds: 3600,
        },
        unreadyNodes: "Wait",
        includeNewNodes: false,
        preflight: {
          command: ["/bin/sh", "-c", preflightScript()],
          activeDeadlineSeconds: 2147483647,
        },
      },
    });
  });

  it("copies what concerns pulling, selecting and steering", () => {
    const spec = {
      nodeSelector: { matchExpressions: [{ key: "zone", operator: "In", values: ["a", "b"] }] },
      imagePullSecrets: [{ name: "private-registry-secret" }],
      concurrency: 3,
      stopOnFailure: true,
      uncordonOnFailure: true,
      backoffLimit: 0,
      deadlines: { preflightSeconds: 1, upgradeSeconds: 2, rebootSeconds: 3, readySeconds: 4 },
      unreadyNodes: "Skip",
      includeNewNodes: true,
    };
    expect(translate(upgradeWith(spec)).spec).toMatchObject(spec);
  });

  it("leaves out what the NodeOpUpgrade leaves out", () => {
    const { spec } = translate(upgradeWith());
    expect(Object.keys(spec)).not.toContain("nodeSelector");
    expect(Object.keys(spec)).not.toContain("imagePullSecrets");
  });

  it("labels a name that is too long for a label value with one that fits", () => {
    const name = "kairos-upgrade-".repeat(6).replace(/-$/u, "");
    const nodeOp = translate(upgradeWith({}, name));
    expect(nodeOp.metadata.name).toBe(name);
    expect(nodeOp.metadata.labels?.["nodeopupgrade.kairos.io/name"]?.length).toBeLessThan(64);
  });

  it.each([
    ["the active", ACTIVE, true],
    ["the recovery", RECOVERY, false],
    ["both", BOTH, true],
  ])("cordons, drains and reboots for %s partition(s): %j %s", (_, partitions, disturbs) => {
    const spec = specOf(upgradeWith(partitions));
    expect(spec.cordon).toBe(disturbs);
    expect(spec.rebootOnSuccess).toBe(disturbs);
    expect(spec.drainOptions?.enabled ?? false).toBe(disturbs);
  });

  it.each([
    ["active", { ...ACTIVE, force: false }, true],
    ["active by force", { ...ACTIVE, force: true }, false],
    ["recovery", { ...RECOVERY, force: false }, false],
    ["both", { ...BOTH, force: false }, false],
  ])("looks first whether the active system is there already: %s", (_, spec, looks) => {
    expect(translate(upgradeWith(spec)).spec.preflight !== undefined).toBe(looks);
  });

  it.each([600, 1, 0])(
    "leaves the preflight's time of %i s to the operator, so that raising it takes effect",
    (preflightSeconds) => {
      const { spec } = translate(upgradeWith({ deadlines: { preflightSeconds } }));
      expect(spec.preflight?.activeDeadlineSeconds).toBe(2147483647);
      expect(spec.deadlines).toMatchObject({ preflightSeconds });
    },
  );

  it("puts partitions, force, debug and excluded paths into the script", () => {
    const options = { ...BOTH, force: true, debug: true, excludePaths: ["/etc/it's"] };
    expect(translate(upgradeWith(options)).spec.command[2]).toBe(upgradeScript(options));
  });

  it("makes what the NodeOp's own schema accepts, whatever is selected", () => {
    for (const partitions of [ACTIVE, RECOVERY, BOTH]) {
      for (const force of [true, false]) {
        expect(specOf(upgradeWith({ ...partitions, force })).image).toBe(IMAGE);
      }
    }
  });
});

/** A NodeOp of ours with this spec. */
const made = (spec: NodeOpSpec) => ({ metadata: metadata(), spec });

describe("steering", () => {
  const nodeOp = specOf(upgradeWith());

  it("changes nothing in a NodeOp just made", () => {
    const spec = {
      concurrency: 2,
      imagePullSecrets: [{ name: "a" }],
      deadlines: { rebootSeconds: 0 },
    };
    expect(steering(upgradeWith(spec), made(specOf(upgradeWith(spec))))).toBeUndefined();
    expect(steering(upgradeWith(), made(nodeOp))).toBeUndefined();
  });

  it.each([
    [{ concurrency: 2 }],
    [{ stopOnFailure: true }],
    [{ uncordonOnFailure: true }],
    [{ backoffLimit: 5 }],
    [{ imagePullSecrets: [{ name: "a" }] }],
    [{ deadlines: { rebootSeconds: 60 } }],
    [{ deadlines: { readySeconds: 60 } }],
    [{ unreadyNodes: "Skip" }],
    [{ includeNewNodes: true }],
    [{ controlPlane: { maxUnavailable: 1 } }],
    [{ concurrency: 2, deadlines: { preflightSeconds: 0, upgradeSeconds: 1 } }],
  ])("carries %j and nothing else", (spec) => {
    expect(steering(upgradeWith(spec), made(nodeOp))).toEqual({ spec });
  });

  it("takes pull secrets away again", () => {
    const before = specOf(upgradeWith({ imagePullSecrets: [{ name: "a" }] }));
    expect(steering(upgradeWith(), made(before))).toEqual({ spec: { imagePullSecrets: null } });
  });

  it("takes the bound of control planes away again", () => {
    const before = specOf(upgradeWith({ controlPlane: { maxUnavailable: 1 } }));
    expect(steering(upgradeWith(), made(before))).toEqual({ spec: { controlPlane: null } });
  });

  it("replaces a changed list as a whole, as merge patches do", () => {
    const before = specOf(upgradeWith({ imagePullSecrets: [{ name: "a" }, { name: "b" }] }));
    const after = { imagePullSecrets: [{ name: "b" }, { name: "a" }] };
    expect(steering(upgradeWith(after), made(before))).toEqual({ spec: after });
  });

  it("gives a NodeOp without a backoffLimit that of the NodeOpUpgrade", () => {
    const { backoffLimit: _, ...without } = nodeOp;
    expect(steering(upgradeWith(), made(without))).toEqual({ spec: { backoffLimit: 2 } });
  });

  it("leaves a backoffLimit alone that the Go original did not set", () => {
    const { backoffLimit: _, ...without } = nodeOp;
    const labels = { "app.kubernetes.io/managed-by": "nodeopupgrade-controller" };
    const drainOptions = { ...nodeOp.drainOptions!, enabled: true, deleteEmptyDirData: false };
    const original = {
      metadata: { ...metadata(), labels },
      spec: { ...without, drainOptions },
    };
    expect(steering(upgradeWith(), original)).toBeUndefined();
    expect(steering(upgradeWith({ concurrency: 3 }), original)).toEqual({
      spec: { concurrency: 3 },
    });
  });

  it("removes deadlines that the NodeOpUpgrade does not know", () => {
    const before = specOf(upgradeWith({ deadlines: { otherSeconds: 5 } }));
    expect(steering(upgradeWith(), made(before))).toEqual({
      spec: { deadlines: { otherSeconds: null } },
    });
  });

  it("never touches what defines the operation", () => {
    const other = upgradeWith({
      ...RECOVERY,
      image: "other",
      force: true,
      excludePaths: ["/a"],
      debug: true,
    });
    expect(steering(other, made(nodeOp))).toBeUndefined();
  });
});
