/** A drain that evicted a Pod of an operation would kill an upgrade in the middle of its write (kairos.md, defect 10). */
import { Pods } from "../../kube/resource.ts";
import { LABEL_NODEOP } from "../../labels.ts";
import type { Law } from "../law.ts";
import { isOperator } from "../ledger/Ledger.ts";
import { removes } from "./logsStay.ts";

export const neverEvictsOurs: Law = {
  law: "NeverEvictsOurs",
  says: "The operator never evicts a Pod of an operation, its own or another.",
  monitor: ({ report, seconds }) => ({
    Committed: ({ commit }) => {
      if (commit.verb !== "evict" || commit.resource.kind !== Pods.kind) return;
      if (!isOperator(commit.actor) || !removes(commit)) return;
      if (commit.before?.metadata.labels?.[LABEL_NODEOP] !== undefined)
        report(
          `${commit.actor} evicted Pod ${commit.namespace}/${commit.name} at ${seconds(commit.at)}, which belongs to an operation`,
        );
    },
  }),
};
