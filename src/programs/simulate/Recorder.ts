/**
 * Watches a simulation from outside, through the commit log and the hosts' log, and writes down what a person would tell:
 * which node took which step when, and why. It also counts. It never asks the operator.
 */
import { Result } from "effect";
import { decodeNodeOp } from "../../domain/api/decode.ts";
import type { NodeOp } from "../../domain/api/nodeop.ts";
import type { NodeStatus } from "../../domain/api/status.ts";
import type { Commit, HostEvent } from "../../domain/history.ts";
import { changedFields } from "../../domain/kube/changes.ts";
import { censusOf, entryFor, NO_ENTRIES } from "../../domain/rollout/census.ts";
import { isInFlight } from "../../domain/rollout/entry.ts";
import { QUORUM_AT_RISK } from "../../domain/rollout/quorum.ts";
import { SKIPPED } from "../../domain/rollout/reason.ts";
import { shortVersion } from "../../domain/version.ts";
import { operationOf, type OperationName } from "./operations.ts";

/** One line of the story. `at` is in milliseconds of the simulation's clock. */
export interface StoryLine {
  readonly at: number;
  /** The node it is about; absent: the operation, the operator or the cluster. */
  readonly node?: string | undefined;
  /** The operation that the step is one of; absent: it is nobody's, as a fault. */
  readonly operation?: OperationName | undefined;
  /** One word: claimed, upgrading, rebooting, done, skipped, waits, failing, failed, fault, … */
  readonly step: string;
  readonly text: string;
}

type Entries = Readonly<Record<string, NodeStatus>>;
const NONE: Entries = {};

/** Whether the node holds a slot by these entries. */
const isBusy = (entries: Entries, name: string): boolean => {
  const entry = entryFor(entries, name);
  return entry !== undefined && isInFlight(entry);
};

/** What a person would tell of a simulation, collected while it runs. */
export class Recorder {
  readonly lines: Array<StoryLine> = [];
  /** Most nodes in flight at once, over all operations. */
  peakInFlight = 0;
  /** When the last operation reported its end. */
  endedAt: number | undefined;
  readonly #entries = new Map<string, Entries>();
  /** `status.notReadySince` of each NodeOp, by uid. */
  readonly #unready = new Map<string, Readonly<Record<string, string>>>();
  readonly #inFlight = new Set<string>();
  /** Operations, by uid, that say that they can cost etcd its quorum. */
  readonly #atRisk = new Set<string>();
  /** The operation that worked on a node last. */
  readonly #workedOnBy = new Map<string, OperationName>();
  readonly #bootIDs = new Map<string, string>();
  /** Reboot commands by the uid of the reboot Pod. */
  readonly #attempts = new Map<string, number>();

  /** Adds a line of the simulation itself: a fault, a restart. */
  tell(line: StoryLine): void {
    this.lines.push(line);
  }

  /** Takes note of a commit to the cluster. Commits come in the order of their versions. */
  commit(commit: Commit): void {
    if (commit.resource.plural !== "nodeops") return;
    const operation = commit.after ?? commit.before;
    const decoded = operation === undefined ? undefined : decodeNodeOp(operation);
    if (decoded === undefined || Result.isFailure(decoded)) return;
    if (commit.after === undefined) return this.#gone(commit, decoded.success);
    this.#changed(commit, decoded.success);
  }

  /** Takes note of what happened to a machine. */
  host(event: HostEvent): void {
    if (event.event === "rebootIssued") this.#tellReboot(event);
    if (event.event === "wentDown" && event.cause === "other")
      this.tell({ at: event.at, node: event.node, step: "down", text: "the machine went down" });
    if (event.event === "booted") {
      this.#bootIDs.set(event.node, event.bootID);
      if (event.bootState !== "active")
        this.tell({
          at: event.at,
          node: event.node,
          operation: this.#workedOnBy.get(event.node),
          step: "booted",
          text: `boot ${short(event.bootID)}, ${event.bootState} system, ${version(event.version)}`,
        });
    }
  }

  #tellReboot({ at, node, pod, bootID }: Extract<HostEvent, { event: "rebootIssued" }>): void {
    const attempt = (this.#attempts.get(pod) ?? 0) + 1;
    this.#attempts.set(pod, attempt);
    const text =
      attempt === 1
        ? `Job complete, sentinel seen: boot ${short(bootID)} ends`
        : `still in boot ${short(bootID)}: reboot command ${attempt}`;
    this.tell({ at, node, operation: this.#workedOnBy.get(node), step: "rebooting", text });
  }

  #gone(commit: Commit, operation: NodeOp): void {
    this.#entries.delete(operation.metadata.uid);
    for (const key of this.#inFlight)
      if (key.startsWith(`${operation.metadata.uid} `)) this.#inFlight.delete(key);
    this.endedAt = commit.at;
    this.tell({
      at: commit.at,
      operation: operationOf(operation),
      step: "gone",
      text: `NodeOp ${operation.metadata.name} is deleted; nothing of it is left on the nodes`,
    });
  }

  #changed(commit: Commit, operation: NodeOp): void {
    const { uid } = operation.metadata;
    this.#tellUnready(commit.at, operation);
    this.#tellRisk(commit.at, operation);
    const before = this.#entries.get(uid) ?? NONE;
    const after = operation.status?.nodeStatuses ?? NONE;
    if (before === after) return;
    this.#entries.set(uid, after);
    const changed = changedFields(before, after).filter(
      (name) => entryFor(after, name) !== undefined,
    );
    const ended = changed.filter((name) => isBusy(before, name) && !isBusy(after, name));
    // Ends first: they are why slots are free.
    for (const name of [...ended, ...changed.filter((other) => !ended.includes(other))]) {
      this.#count(uid, name, after[name]!);
      this.#tellStep(commit.at, operation, name, entryFor(before, name), after[name]!, ended);
    }
  }

  /** Whose turn came although it was not Ready. */
  #tellUnready(at: number, operation: NodeOp): void {
    const { uid } = operation.metadata;
    const before = this.#unready.get(uid) ?? {};
    const after = operation.status.notReadySince ?? {};
    this.#unready.set(uid, after);
    for (const node of Object.keys(after))
      if (!Object.hasOwn(before, node))
        this.tell({
          at,
          node,
          operation: operationOf(operation),
          step: "waits",
          text: "it is not Ready: it takes no slot, others pass it",
        });
  }

  #tellRisk(at: number, operation: NodeOp): void {
    const { uid } = operation.metadata;
    const risk = operation.status.conditions?.find(
      ({ type, status }) => type === QUORUM_AT_RISK && status === "True",
    );
    if (risk === undefined) this.#atRisk.delete(uid);
    else if (!this.#atRisk.has(uid)) {
      this.#atRisk.add(uid);
      this.tell({ at, operation: operationOf(operation), step: "risk", text: risk.message });
    }
  }

  #count(uid: string, name: string, entry: NodeStatus): void {
    if (isInFlight(entry)) this.#inFlight.add(`${uid} ${name}`);
    else this.#inFlight.delete(`${uid} ${name}`);
    this.peakInFlight = Math.max(this.peakInFlight, this.#inFlight.size);
    this.endedAt = undefined;
  }

  #tellStep(
    at: number,
    operation: NodeOp,
    node: string,
    before: NodeStatus | undefined,
    after: NodeStatus,
    ended: ReadonlyArray<string>,
  ): void {
    const of = operationOf(operation);
    if (isInFlight(after)) this.#workedOnBy.set(node, of);
    const tell = (step: string, text: string) => this.tell({ at, node, operation: of, step, text });
    if (before === undefined && !isInFlight(after))
      return tell(after.phase === "Failed" ? "failed" : "skipped", after.message ?? "");
    if (before === undefined) {
      const why = ended.length > 0 ? `slot freed by ${ended[0]}` : slotOf(operation, node);
      return tell(
        "claimed",
        after.phase === "Preflight" ? `${why}; its preflight looks first` : why,
      );
    }
    if (!isInFlight(after)) return this.#tellEnd(tell, operation, node, after);
    if (after.stage === before.stage) {
      if (after.reason !== undefined && after.reason !== before.reason)
        tell("waits", after.message ?? "");
      return;
    }
    switch (after.stage) {
      case "Upgrading":
        return tell("upgrading", upgradingText(operation, after.jobName ?? ""));
      case "Cancelling":
      case "Settling":
        return before.stage === "Settling" ? undefined : tell("failing", after.message ?? "");
      default:
        return undefined;
    }
  }

  #tellEnd(
    tell: (step: string, text: string) => void,
    operation: NodeOp,
    node: string,
    after: NodeStatus,
  ): void {
    if (after.phase === "Failed") return tell("failed", failedText(operation, after));
    if (after.reason === SKIPPED) return tell("skipped", after.message ?? "");
    const boot = this.#bootIDs.get(node);
    const proof =
      after.rebootStatus === "completed" && boot !== undefined
        ? `new boot ${short(boot)}, ${after.version === undefined ? "released" : `${version(after.version)}, released`}`
        : "Job complete, released";
    tell("done", proof);
  }
}

/** Which slot a node has just taken: its place among those in flight. */
const slotOf = (operation: NodeOp, node: string): string => {
  const { concurrency } = operation.spec;
  const { inFlight } = censusOf(operation.status.nodeStatuses ?? NO_ENTRIES);
  const place = inFlight.indexOf(node) + 1;
  return concurrency === 0 ? `${place} in flight` : `slot ${place} of ${concurrency}`;
};

const upgradingText = ({ spec }: NodeOp, job: string): string =>
  [
    ...(spec.rebootOnSuccess ? ["reboot Pod waits"] : []),
    ...(spec.cordon ? ["cordoned"] : []),
    `Job ${job} runs`,
  ].join(", ");

// A node is cordoned before its Job is created.
const failedText = ({ spec, metadata }: NodeOp, { jobName, reason }: NodeStatus): string =>
  jobName !== undefined &&
  reason !== "NodeGone" &&
  spec.cordon &&
  !spec.uncordonOnFailure &&
  metadata.deletionTimestamp === undefined
    ? "slot freed; the node stays cordoned"
    : "slot freed";

const short = (bootID: string): string => bootID.slice(0, 4);
const version = (full: string): string => shortVersion(full);
