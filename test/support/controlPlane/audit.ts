/** The audit log of the API server: who asked for what, and what it was answered. */
import { readFileSync } from "node:fs";
import type { ControlPlane } from "./ControlPlane.ts";

/** One answered request (audit.k8s.io/v1 Event, as far as tests read it). */
export interface AuditEvent {
  readonly auditID: string;
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly resource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly uid?: string;
    readonly apiGroup?: string;
    readonly apiVersion?: string;
    readonly subresource?: string;
  };
  readonly responseStatus?: { readonly code?: number; readonly reason?: string };
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
}

/**
 * What is recorded: requests and answers with their bodies for the kinds that the operator writes, by whoever writes them
 * (the invariants need states), and who asked for what of everything else. Long watches appear when they start and end.
 */
export const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  omitManagedFields: true,
  rules: [
    {
      level: "RequestResponse",
      verbs: ["create", "update", "patch", "delete", "deletecollection"],
      resources: [
        { group: "", resources: ["pods", "pods/status", "pods/eviction", "nodes", "nodes/status"] },
        { group: "", resources: ["serviceaccounts", "events"] },
        { group: "batch", resources: ["jobs", "jobs/status"] },
        {
          group: "operator.kairos.io",
          resources: ["nodeops", "nodeops/status", "nodeopupgrades", "nodeopupgrades/status"],
        },
        { group: "", resources: ["persistentvolumeclaims"] },
        { group: "storage.k8s.io", resources: ["volumeattachments", "volumeattachments/status"] },
        { group: "rbac.authorization.k8s.io" },
        { group: "events.k8s.io" },
        { group: "coordination.k8s.io", resources: ["leases"] },
      ],
    },
    { level: "Metadata" },
  ],
} as const;

/** All requests answered so far, in the order of their answers. The log is written without delay. */
export const readAudit = (
  controlPlane: Pick<ControlPlane, "auditLog">,
): ReadonlyArray<AuditEvent> =>
  readFileSync(controlPlane.auditLog, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): AuditEvent => JSON.parse(line));
