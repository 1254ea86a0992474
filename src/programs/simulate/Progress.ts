/** How far the operations of a simulation are, from the commit log: the last state of each, and whether all have ended. */
import { Result } from "effect";
import { decodeNodeOp, decodeNodeOpUpgrade } from "../../domain/api/decode.ts";
import type { NodeOp } from "../../domain/api/nodeop.ts";
import type { NodeOpUpgrade } from "../../domain/api/nodeopupgrade.ts";
import type { Commit } from "../../domain/history.ts";
import { controllerOf } from "../../domain/kube/object.ts";
import { FINALIZER } from "../../domain/labels.ts";
import { isEnded } from "../../domain/rollout/summary.ts";

/** Longer than any deadline by this much without a commit: nothing will happen any more. */
const PATIENCE_MILLIS = 3_600_000;

/** An operation, as last seen; `gone` when it has left the cluster. */
interface Seen<A> {
  readonly object: A;
  readonly gone: boolean;
}

/** Knows the operations of a simulation as they were last seen, and when the last of them ended. */
export class Progress {
  readonly #operations = new Map<string, Seen<NodeOp>>();
  readonly #upgrades = new Map<string, Seen<NodeOpUpgrade>>();
  #lastCommitAt: number | undefined;
  #endedAt: number | undefined;

  /** The time of the last commit, in milliseconds of the simulation's clock; undefined before the first. */
  get lastCommitAt(): number | undefined {
    return this.#lastCommitAt;
  }

  /** When the last operation ended. */
  get endedAt(): number | undefined {
    return this.#endedAt;
  }

  /** Whether all operations have ended: nothing more is expected of the operator. */
  get isEnded(): boolean {
    return this.#endedAt !== undefined;
  }

  /** NodeOps as last seen, those that are gone included. */
  get operations(): ReadonlyArray<NodeOp> {
    return [...this.#operations.values()].map(({ object }) => object);
  }

  /** How long nothing may happen before nothing is expected to. */
  get patienceMillis(): number {
    const deadlines = [...this.#operations.values()].flatMap(({ object }) =>
      Object.values(object.spec.deadlines),
    );
    return PATIENCE_MILLIS + 1000 * Math.max(7200, ...deadlines.map(Number));
  }

  /** Takes note of a commit to the cluster. Commits come in the order of their versions. */
  commit(commit: Commit): void {
    this.#lastCommitAt = commit.at;
    const { plural } = commit.resource;
    if (plural !== "nodeops" && plural !== "nodeopupgrades") return;
    const object = commit.after ?? commit.before;
    const gone = commit.after === undefined;
    if (plural === "nodeops")
      Result.map(decodeNodeOp(object), (operation) =>
        this.#operations.set(operation.metadata.uid, { object: operation, gone }),
      );
    else
      Result.map(decodeNodeOpUpgrade(object), (upgrade) =>
        this.#upgrades.set(upgrade.metadata.uid, { object: upgrade, gone }),
      );
    this.#endedAt = this.#areAllEnded() ? (this.#endedAt ?? commit.at) : undefined;
  }

  /** Whether one operation has ended, by its uid: itself and, of a NodeOpUpgrade, the NodeOp that does its work. */
  hasEnded(uid: string): boolean {
    const upgrade = this.#upgrades.get(uid);
    const nodeOps = [...this.#operations.values()].filter(
      ({ object: { metadata } }) => metadata.uid === uid || controllerOf(metadata)?.uid === uid,
    );
    return (
      (upgrade !== undefined || nodeOps.length > 0) &&
      (upgrade === undefined || isUpgradeOver(upgrade)) &&
      nodeOps.every(isOver)
    );
  }

  /** All NodeOps have ended and let go of their finalizer, and all NodeOpUpgrades say so too. */
  #areAllEnded(): boolean {
    const operations = [...this.#operations.values()];
    const upgrades = [...this.#upgrades.values()];
    return (
      operations.length + upgrades.length > 0 &&
      operations.every(isOver) &&
      upgrades.every(isUpgradeOver)
    );
  }
}

const isOver = ({ object, gone }: Seen<NodeOp>): boolean =>
  gone || (isEnded(object.status) && object.metadata.finalizers?.includes(FINALIZER) !== true);

const isUpgradeOver = ({ object, gone }: Seen<NodeOpUpgrade>): boolean =>
  gone || isEnded(object.status);
