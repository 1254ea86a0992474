/** Takes commits and host events into the ledger, each by the projection of what it is about. */
import type { Commit, HostEvent } from "../../history.ts";
import { Jobs, NodeOps, Nodes, Pods, resourceName } from "../../kube/resource.ts";
import { projectHostEvent } from "./hosts.ts";
import { projectJob } from "./jobs.ts";
import type { Ledger } from "./Ledger.ts";
import { projectNode } from "./nodes.ts";
import { projectNodeOp } from "./operations.ts";
import { projectPod } from "./pods.ts";
import type { Moment } from "./records.ts";
import { projectWorkload } from "./workloads.ts";

type Projection = (ledger: Ledger, commit: Commit, moment: Moment) => void;

const PROJECTIONS: ReadonlyMap<string, Projection> = new Map([
  [resourceName(NodeOps), projectNodeOp],
  [resourceName(Nodes), projectNode],
  [resourceName(Jobs), projectJob],
  [resourceName(Pods), projectPod],
]);

/** Takes in one commit; `ledger.facts` then says what followed from it. */
export const projectCommit = (ledger: Ledger, commit: Commit): void => {
  const moment = ledger.next(commit.at, commit.rv);
  PROJECTIONS.get(resourceName(commit.resource))?.(ledger, commit, moment);
  projectWorkload(ledger.workloads, commit);
  ledger.facts.push({ is: "Committed", commit });
};

/** Takes in one host event; `ledger.facts` then says what followed from it. */
export const projectHost = (ledger: Ledger, event: HostEvent): void =>
  projectHostEvent(ledger, event, ledger.next(event.at));
