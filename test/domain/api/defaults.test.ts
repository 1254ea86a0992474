import { describe, expect, it } from "@effect/vitest";
import { Result } from "effect";
import { decodeNodeOp, decodeNodeOpUpgrade } from "../../../src/domain/api/decode.ts";
import { nodeOp, nodeOpUpgrade, TIME } from "./fixtures.ts";

const deadlines = {
  preflightSeconds: 600,
  drainSeconds: 3600,
  upgradeSeconds: 7200,
  rebootSeconds: 3600,
  readySeconds: 3600,
};

const nodeOpDefaults = {
  command: ["true"],
  hostMountPath: "/host",
  cordon: false,
  uncordonOnFailure: false,
  unreadyNodes: "Wait",
  includeNewNodes: false,
  rebootOnSuccess: false,
  concurrency: 0,
  stopOnFailure: false,
  deadlines,
};

const upgradeDefaults = {
  image: "quay.io/kairos/opensuse:v3.6.0",
  concurrency: 0,
  stopOnFailure: false,
  upgradeActive: true,
  upgradeRecovery: false,
  force: false,
  debug: false,
  uncordonOnFailure: false,
  unreadyNodes: "Wait",
  includeNewNodes: false,
  backoffLimit: 2,
  deadlines,
};

describe("defaults", () => {
  it("fill a NodeOp that names only its command, and leave backoffLimit absent", () => {
    const decoded = Result.getOrThrow(decodeNodeOp(nodeOp({ command: ["true"] })));
    expect(decoded.spec).toEqual(nodeOpDefaults);
    expect(decoded.status).toEqual({ observedGeneration: -1 });
  });

  it("fill a NodeOpUpgrade that names only its image", () => {
    const { image } = upgradeDefaults;
    const decoded = Result.getOrThrow(decodeNodeOpUpgrade(nodeOpUpgrade({ image })));
    expect(decoded.spec).toEqual(upgradeDefaults);
    expect(decoded.status).toEqual({ observedGeneration: -1 });
  });

  it("fill nested objects, each only when it is there", () => {
    const spec = {
      command: ["true"],
      drainOptions: {},
      preflight: { command: ["check"] },
      imagePullSecrets: [{}],
      deadlines: { rebootSeconds: 0 },
    };
    expect(Result.getOrThrow(decodeNodeOp(nodeOp(spec))).spec).toEqual({
      ...nodeOpDefaults,
      drainOptions: {
        enabled: false,
        force: false,
        ignoreDaemonSets: true,
        deleteEmptyDirData: false,
      },
      preflight: { command: ["check"], activeDeadlineSeconds: 120 },
      imagePullSecrets: [{ name: "" }],
      deadlines: { ...deadlines, rebootSeconds: 0 },
    });
  });

  it("do not touch a status that is there", () => {
    const decoded = decodeNodeOp(nodeOp({ command: ["true"] }, { status: { phase: "Running" } }));
    expect(Result.getOrThrow(decoded).status).toEqual({ phase: "Running" });
  });
});

describe("Go's nulls are absent", () => {
  it("everywhere in a NodeOp", () => {
    const spec = {
      command: ["true"],
      nodeSelector: { matchLabels: null, matchExpressions: null },
      image: null,
      imagePullSecrets: null,
      drainOptions: { enabled: null, gracePeriodSeconds: null },
      backoffLimit: null,
      concurrency: null,
      preflight: null,
      deadlines: null,
    };
    const status = {
      phase: null,
      conditions: null,
      lastUpdated: null,
      nodeStatuses: {
        a: { phase: "Pending", lastUpdated: null, jobName: null },
        b: { phase: "Running" },
      },
    };
    const metadata = { ...nodeOp({}).metadata, labels: null, finalizers: null, generateName: null };
    const decoded = Result.getOrThrow(decodeNodeOp(nodeOp(spec, { status, metadata })));
    expect(decoded).toEqual(
      nodeOp(
        {
          ...nodeOpDefaults,
          nodeSelector: {},
          drainOptions: {
            enabled: false,
            force: false,
            ignoreDaemonSets: true,
            deleteEmptyDirData: false,
          },
        },
        { status: { nodeStatuses: { a: { phase: "Pending" }, b: { phase: "Running" } } } },
      ),
    );
  });

  it.each([{ status: null }, { status: { nodeStatuses: null } }])("in %j", (rest) => {
    const decoded = Result.getOrThrow(decodeNodeOpUpgrade(nodeOpUpgrade({ image: "x" }, rest)));
    expect(decoded.status).toEqual(rest.status === null ? { observedGeneration: -1 } : {});
  });

  it("in a status as the original operator writes it", () => {
    const status = {
      phase: "Completed",
      lastUpdated: TIME,
      nodeStatuses: {
        "worker-1": {
          phase: "Completed",
          jobName: "kairos-upgrade-worker-1-x2x4x",
          message: "Job and reboot completed successfully",
          rebootStatus: "completed",
          lastUpdated: TIME,
        },
      },
    };
    const decoded = decodeNodeOp(nodeOp({ command: ["true"] }, { status }));
    expect(Result.getOrThrow(decoded).status).toEqual(status);
  });
});
