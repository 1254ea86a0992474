/** The children of the nodes in flight, gathered again only where a child or the entry changed: a pass costs what changed. */
import type { NodeOp } from "../../domain/api/nodeop.ts";
import type { NodeStatus } from "../../domain/api/status.ts";
import { changedFields, noteChange } from "../../domain/kube/changes.ts";
import { labelValue } from "../../domain/labels.ts";
import { censusOf, type Entries, NO_ENTRIES } from "../../domain/rollout/census.ts";
import type { Children } from "../../domain/rollout/observed.ts";

interface Known {
  readonly nodeUID: string | undefined;
  readonly jobName: string | undefined;
  readonly children: Children;
}

/** What `of` answered, and for which entries. */
interface Answer {
  readonly entries: Entries;
  readonly inFlight: ReadonlyArray<string>;
  readonly children: ReadonlyMap<string, Children>;
}

export class ChildrenMemory {
  readonly #nodes = new Map<string, Known>();
  /** Names of nodes by their label values, where the two differ. */
  readonly #names = new Map<string, string>();
  #last: Answer | undefined;
  /** Nodes whose children are other versions than in the last answer. */
  readonly #stale = new Set<string>();

  /** A child on a node is another version; `node` as its label value. */
  changed(node: string): void {
    const name = this.#names.get(node) ?? node;
    if (this.#nodes.delete(name)) this.#stale.add(name);
  }

  /** The children of every node in flight; `gather` is asked for those that are not known any more. */
  of(
    operation: NodeOp,
    gather: (node: string, entry: NodeStatus) => Children,
  ): ReadonlyMap<string, Children> {
    const entries = operation.status.nodeStatuses ?? NO_ENTRIES;
    const last = this.#last;
    if (last?.entries === entries && this.#stale.size === 0) return last.children;
    const { inFlight } = censusOf(entries);
    const children =
      last?.inFlight === inFlight
        ? this.#update(last, entries, gather)
        : new Map(inFlight.map((name) => [name, this.#get(name, entries[name]!, gather)]));
    if (this.#nodes.size > inFlight.length) this.#forgetOthers(children);
    this.#stale.clear();
    this.#last = { entries, inFlight, children };
    return children;
  }

  /** The last answer where nothing changed: the same nodes are in flight. */
  #update(
    last: Answer,
    entries: Entries,
    gather: (node: string, entry: NodeStatus) => Children,
  ): ReadonlyMap<string, Children> {
    const children = new Map(last.children);
    const names = [...this.#stale, ...changedFields(last.entries, entries)];
    for (const name of names)
      if (children.has(name)) children.set(name, this.#get(name, entries[name]!, gather));
    noteChange({ before: last.children, after: children, names, isExtension: true });
    return children;
  }

  #get(
    name: string,
    entry: NodeStatus,
    gather: (node: string, entry: NodeStatus) => Children,
  ): Children {
    const known = this.#nodes.get(name);
    const { nodeUID, jobName } = entry;
    if (known !== undefined && known.nodeUID === nodeUID && known.jobName === jobName)
      return known.children;
    const children = gather(name, entry);
    this.#nodes.set(name, { nodeUID, jobName, children });
    const label = labelValue(name);
    if (label !== name) this.#names.set(label, name);
    return children;
  }

  #forgetOthers(inFlight: ReadonlyMap<string, unknown>): void {
    for (const name of this.#nodes.keys()) if (!inFlight.has(name)) this.#nodes.delete(name);
    for (const [label, name] of this.#names) if (!inFlight.has(name)) this.#names.delete(label);
  }
}
