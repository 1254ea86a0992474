/** "It will stop upgrading if one of the nodes doesn't complete the upgrade and reboot successfully" (reference page). */
import type { Law } from "../law.ts";

export const stopOnFailure: Law = {
  law: "StopOnFailure",
  says: "With stopOnFailure no node is claimed once one has failed, nor later than 2 s after a Job has failed while the operator is up.",
  monitor: ({ options, operatorUpSince, report, seconds }) => ({
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
      if (jobFailed === undefined || upSince === undefined) return;
      if (commit.sentAt > Math.max(jobFailed.at, upSince) + options.stopMillis)
        report(
          `NodeOp ${operation.key} claimed ${names} at ${seconds(commit.sentAt)} although Job ${jobFailed.job} had failed at ${seconds(jobFailed.at)}`,
        );
    },
  }),
};
