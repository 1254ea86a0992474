/** Builders of NodeOpUpgrades and of the NodeOps that belong to them. */
import { Result } from "effect";
import { decodeNodeOp, decodeNodeOpUpgrade } from "../../../src/domain/api/decode.ts";
import type { NodeOp } from "../../../src/domain/api/nodeop.ts";
import type { NodeOpUpgrade } from "../../../src/domain/api/nodeopupgrade.ts";
import type { NodeStatus } from "../../../src/domain/api/status.ts";
import { translate } from "../../../src/domain/translate.ts";

export const NOW = Date.UTC(2026, 0, 1, 12);

export const upgradeOf = (
  change: { readonly spec?: object; readonly status?: object; readonly metadata?: object } = {},
): NodeOpUpgrade =>
  Result.getOrThrow(
    decodeNodeOpUpgrade({
      apiVersion: "operator.kairos.io/v1alpha1",
      kind: "NodeOpUpgrade",
      metadata: {
        name: "kairos-upgrade",
        namespace: "default",
        uid: "upgrade-uid",
        resourceVersion: "7",
        generation: 3,
        creationTimestamp: "2026-01-01T00:00:00Z",
        ...change.metadata,
      },
      spec: { image: "quay.io/kairos/ubuntu:v2", ...change.spec },
      ...(change.status === undefined ? {} : { status: change.status }),
    }),
  );

/** The NodeOp that belongs to this upgrade, as the API server stores it. */
export const operationOf = (
  upgrade: NodeOpUpgrade,
  change: { readonly status?: object; readonly metadata?: object } = {},
): NodeOp => {
  const made = translate(upgrade);
  return Result.getOrThrow(
    decodeNodeOp({
      ...made,
      metadata: {
        uid: "operation-uid",
        resourceVersion: "9",
        generation: 1,
        creationTimestamp: "2026-01-01T00:00:01Z",
        ...made.metadata,
        ...change.metadata,
      },
      ...(change.status === undefined ? {} : { status: change.status }),
    }),
  );
};

export const condition = (type: string, status: "True" | "False") => ({
  type,
  status,
  reason: "InProgress",
  message: "1 of 2 nodes are done, 1 in flight",
  lastTransitionTime: "2026-01-01T00:00:02Z",
  observedGeneration: 1,
});

/** An entry with everything that an operation keeps in one. */
export const fullEntry = (change: Partial<NodeStatus> = {}): NodeStatus => ({
  phase: "Running",
  jobName: "kairos-upgrade-w",
  message: "Job is running",
  rebootStatus: "pending",
  lastUpdated: "2026-01-01T00:00:03Z",
  stage: "Upgrading",
  startedAt: "2026-01-01T00:00:02Z",
  stageStartedAt: "2026-01-01T00:00:03Z",
  endingSince: "2026-01-01T00:00:03Z",
  bootID: "boot-1",
  nodeUID: "w-uid",
  jobUID: "w-job",
  version: "v2",
  ...change,
});
