/** Only selected nodes are touched: the operator works on "matching Nodes using the provided label selector" (reference page 2). */
import type { Law } from "../law.ts";
import { isOperator } from "../ledger/Ledger.ts";

export const onlySelectedNodes: Law = {
  law: "OnlySelectedNodes",
  says: "A node matches the selector when it is claimed, and Jobs, Pods, holds and cordons are only on claimed nodes.",
  monitor: ({ ledger, report }) => {
    const check = (uid: string, node: string | undefined, what: string): void => {
      const operation = ledger.operations.get(uid);
      // An owner that does not exist is ChildIdentity's matter, a hold without one NoCordonLeft's.
      if (operation === undefined || (node !== undefined && operation.claims.has(node))) return;
      report(
        node === undefined
          ? `${what} of NodeOp ${operation.key} names no node`
          : `${what} of NodeOp ${operation.key} is on node ${node}, which it never claimed`,
      );
    };
    return {
      Claimed: ({ operation, claims }) => {
        const strays = claims.filter(({ matched }) => !matched).map(({ node }) => node);
        if (strays.length > 0)
          report(
            `NodeOp ${operation.key} claimed ${strays.join(", ")}, which its selector does not match`,
          );
      },
      // The Go original stores what it has done after it has done it.
      JobCreated: ({ job }) => {
        if (!job.original) check(job.operation, job.node, `Job ${job.name}`);
      },
      PodCreated: ({ pod }) => {
        if (pod.role !== "job" && !pod.original) check(pod.operation, pod.node, `Pod ${pod.name}`);
      },
      Held: ({ node, by, commit }) => {
        if (isOperator(commit.actor)) check(by, node.name, "a hold");
      },
      Cordoned: ({ node, signed, commit }) => {
        if (isOperator(commit.actor) && signed !== undefined) check(signed, node.name, "a cordon");
      },
    };
  },
};
