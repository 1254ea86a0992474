/** "It will stop upgrading if one of the nodes doesn't complete the upgrade and reboot successfully" (reference page). */
import type { Law } from "../law.ts";
import { failureInFlight } from "../ledger/failure.ts";

export const stopOnFailure: Law = {
  law: "StopOnFailure",
  says: "With stopOnFailure no node is claimed once one has failed, nor later than 2 s after a Job has failed, a host fell back or a deadline passed while the operator is up.",
  monitor: ({ ledger, options, operatorUpSince, report, seconds }) => ({
    Claimed: ({ operation, claims, commit }) => {
      if (operation.object.spec?.stopOnFailure !== true) return;
      const names = claims.map(({ node }) => node).join(", ");
      const { tripped, jobFailed } = operation;
      // A pass that stores the failure knows of it: its own claims are too late as well.
      if (tripped !== undefined) {
        report(
          `NodeOp ${operation.key} claimed ${names} after node ${tripped.node} had failed at ${seconds(tripped.at)} (resourceVersion ${tripped.rv})`,
        );
        return;
      }
      const upSince = operatorUpSince();
      if (upSince === undefined) return;
      const late = commit.sentAt - options.stopMillis;
      const failure =
        late > upSince ? failureInFlight(ledger, operation, late, upSince) : undefined;
      if (failure !== undefined)
        report(
          `NodeOp ${operation.key} claimed ${names} at ${seconds(commit.sentAt)} although node ${failure.node} ${failure.what}, as could be seen at ${seconds(failure.at)}`,
        );
      if (jobFailed === undefined) return;
      if (commit.sentAt > Math.max(jobFailed.at, upSince) + options.stopMillis)
        report(
          `NodeOp ${operation.key} claimed ${names} at ${seconds(commit.sentAt)} although Job ${jobFailed.job} had failed at ${seconds(jobFailed.at)}`,
        );
    },
  }),
};
