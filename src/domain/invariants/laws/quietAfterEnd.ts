/** Terminal operations are absorbing: "no write ever after except one status write per new generation" (design.md §4, Writes). */
import type { Commit } from "../../history.ts";
import { controllerOf } from "../../kube/object.ts";
import { NodeOps, NodeOpUpgrades, Nodes } from "../../kube/resource.ts";
import { ANNOTATION_CORDONED_BY, ANNOTATION_HELD_BY, parseHolder } from "../../labels.ts";
import type { Law } from "../law.ts";
import { isOperator, type Ledger } from "../ledger/Ledger.ts";
import type { Operation } from "../ledger/records.ts";
import { annotation } from "../ledger/view.ts";

/** How long the mirror of a finished NodeOp may take to reach its NodeOpUpgrade: it is written at most every 5 s. */
const MIRROR_MILLIS = 10_000;

/** The operations (uids) that a Node's annotations name, before or after. */
const signers = (commit: Commit): ReadonlyArray<string> =>
  [commit.before, commit.after].flatMap((node) =>
    [ANNOTATION_HELD_BY, ANNOTATION_CORDONED_BY].flatMap(
      (key) => parseHolder(annotation(node, key) ?? "")?.uid ?? [],
    ),
  );

/** The operations that a write is about: the object itself, its owner, or who signed the Node. */
const operationsOf = (ledger: Ledger, commit: Commit): ReadonlyArray<Operation> => {
  const object = commit.after ?? commit.before;
  if (object === undefined) return [];
  const { kind } = commit.resource;
  const uids =
    kind === NodeOps.kind
      ? [object.metadata.uid]
      : kind === Nodes.kind
        ? signers(commit)
        : [controllerOf(object.metadata)?.uid ?? ""];
  return [...new Set(uids)].flatMap((uid) => ledger.operations.get(uid) ?? []);
};

/** A Node that changes hands: a live operation takes over what an ended one left. */
const isTakenOver = (ledger: Ledger, commit: Commit): boolean =>
  commit.resource.kind === Nodes.kind &&
  [...ledger.live].some((live) => signers(commit).includes(live.uid));

/** Whether a commit takes marks off a Node and puts none on it. */
const onlyFrees = ({ before, after }: Commit): boolean =>
  [ANNOTATION_HELD_BY, ANNOTATION_CORDONED_BY].every((key) => {
    const left = annotation(after, key);
    return left === undefined || left === annotation(before, key);
  });

/** A Node that is swept: the mark came from another hand, or so late that the operation could not take it off itself. */
const isSwept = (ledger: Ledger, commit: Commit, { ended }: Operation): boolean => {
  const signed = ledger.nodes.get(commit.name)?.signed;
  if (signed === undefined || ended === undefined || !onlyFrees(commit)) return false;
  return !isOperator(signed.actor) || signed.seq > ended.seq;
};

/** Which generation of each object has had its one answer: a write after the end is due only for a newer one. */
class Answered {
  readonly #generations = new Map<string, number>();

  /** Whether this is the first answer to the generation; it is noted as answered. */
  answers(uid: string, generation = 0): boolean {
    if (generation <= (this.#generations.get(uid) ?? 0)) return false;
    this.#generations.set(uid, generation);
    return true;
  }
}

const isStatus = (commit: Commit): boolean => commit.subresource === "status";

export const quietAfterEnd: Law = {
  law: "QuietAfterEnd",
  says: "After an operation has ended the operator sends no write about it, except one status write per new generation and the sweep of marks that came too late.",
  monitor: ({ ledger, report, seconds }) => {
    const status = new Answered();
    /** Spec edits of a NodeOpUpgrade that were carried to its NodeOp, by the NodeOpUpgrade's uid. */
    const carried = new Answered();
    /** The generation of each NodeOpUpgrade, by uid. */
    const upgrades = new Map<string, number>();

    const isDue = (operation: Operation, commit: Commit): boolean => {
      const { kind } = commit.resource;
      // Nodes that a vanished operation held are swept: that is cleaning up, not work.
      if (kind === Nodes.kind)
        return (
          operation.gone !== undefined ||
          isTakenOver(ledger, commit) ||
          isSwept(ledger, commit, operation)
        );
      if (kind !== NodeOps.kind) return false;
      if (isStatus(commit)) return status.answers(operation.uid, commit.after?.metadata.generation);
      const owner = controllerOf(operation.object.metadata)?.uid ?? "";
      return carried.answers(owner, upgrades.get(owner));
    };
    const noise = (commit: Commit, { key, ended }: Operation): void =>
      report(
        `${commit.actor} sent at ${seconds(commit.sentAt)} a ${commit.verb} of ${commit.resource.kind} ${commit.name}${isStatus(commit) ? "/status" : ""}, after NodeOp ${key} had ended at ${seconds(ended?.at ?? 0)}`,
      );
    const checkUpgrade = (commit: Commit): void => {
      const { uid = "", generation } = (commit.after ?? commit.before)?.metadata ?? {};
      // Every mirror answers its generation, also those before the end.
      const due = isStatus(commit) && status.answers(uid, generation);
      for (const operation of ledger.operations.values()) {
        if (operation.ended === undefined || commit.sentAt <= operation.ended.at + MIRROR_MILLIS)
          continue;
        if (controllerOf(operation.object.metadata)?.uid === uid && !due) noise(commit, operation);
      }
    };
    return {
      Ended: ({ operation }) => {
        const { metadata, status: stored } = operation.object;
        status.answers(operation.uid, stored?.observedGeneration ?? metadata.generation);
        const owner = controllerOf(metadata)?.uid ?? "";
        carried.answers(owner, upgrades.get(owner));
      },
      Committed: ({ commit }) => {
        const isUpgrade = commit.resource.kind === NodeOpUpgrades.kind;
        if (isUpgrade && commit.after !== undefined)
          upgrades.set(commit.after.metadata.uid, commit.after.metadata.generation ?? 0);
        if (!isOperator(commit.actor)) return;
        if (isUpgrade) checkUpgrade(commit);
        else
          for (const operation of operationsOf(ledger, commit))
            if (
              operation.ended !== undefined &&
              commit.sentAt > operation.ended.at &&
              !isDue(operation, commit)
            )
              noise(commit, operation);
      },
    };
  },
};
