/** Children belong to one operation by uid, never to a name: not to its predecessor, not to nobody (reliability.md S20). */
import type { Law } from "../law.ts";
import { isOperator, type Ledger } from "../ledger/Ledger.ts";
import type { Commit } from "../../history.ts";
import { controllerOf, objectKey, type KubeObject } from "../../kube/object.ts";
import { Jobs, Pods } from "../../kube/resource.ts";
import { LABEL_NODEOP } from "../../labels.ts";

const isChildKind = (commit: Commit): boolean =>
  commit.resource.kind === Jobs.kind || commit.resource.kind === Pods.kind;

/** Whether it says of itself that it belongs to an operation; node labelers and others do not. */
const isChild = (object: KubeObject): boolean =>
  object.metadata.labels?.[LABEL_NODEOP] !== undefined ||
  controllerOf(object.metadata)?.kind === "NodeOp";

/** The operation (uid) that an object belongs to; one that was orphaned belongs to whom it did before. */
const operationOf = (
  ledger: Ledger,
  { metadata: { uid } }: KubeObject,
  owner: ReturnType<typeof controllerOf>,
): string | undefined => {
  if (owner === undefined) return (ledger.pods.get(uid) ?? ledger.jobs.get(uid))?.operation;
  return owner.kind === "Job" ? ledger.jobs.get(owner.uid)?.operation : owner.uid;
};

/** Why the object's owner does not entitle the actor at the time it sent its request; undefined when it does. */
const ownerProblem = (ledger: Ledger, object: KubeObject, sentAt: number): string | undefined => {
  const owner = controllerOf(object.metadata);
  const operation = ledger.operations.get(operationOf(ledger, object, owner) ?? "");
  if (operation === undefined)
    return owner === undefined
      ? "has no controller"
      : `belongs to ${owner.kind} ${owner.name} (uid ${owner.uid}), which never existed`;
  return operation.gone !== undefined && operation.gone.at < sentAt
    ? `belongs to NodeOp ${operation.key} (uid ${operation.uid}), which was gone`
    : undefined;
};

export const childIdentity: Law = {
  law: "ChildIdentity",
  says: "What the operator creates is controlled by an operation that exists, by uid; what it deletes is too; the Job of an entry is its operation's and its node's.",
  monitor: ({ ledger, report }) => {
    const check = (object: KubeObject, commit: Commit, did: string): void => {
      const problem = ownerProblem(ledger, object, commit.sentAt);
      if (problem !== undefined)
        report(
          `the operator ${did} ${object.kind} ${objectKey(object.metadata)}, which ${problem}`,
        );
    };
    return {
      EntryChanged: ({ claim, before }) => {
        const { jobUID } = claim.entry;
        if (jobUID === undefined || jobUID === before.jobUID) return;
        const job = ledger.jobs.get(jobUID);
        if (job?.operation !== claim.operation.uid || job.node !== claim.node)
          report(
            `NodeOp ${claim.operation.key} took Job ${job?.name ?? jobUID} for node ${claim.node}, which ${job === undefined ? "never existed" : `is of ${ledger.nameOf(job.operation)} for node ${job.node}`}`,
          );
      },
      Committed: ({ commit }) => {
        if (!isOperator(commit.actor) || !isChildKind(commit)) return;
        if (commit.verb === "create" && commit.after !== undefined && isChild(commit.after))
          check(commit.after, commit, "created");
        if (commit.verb === "delete" && commit.before !== undefined)
          check(commit.before, commit, "deleted");
      },
    };
  },
};
