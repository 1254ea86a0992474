/** The children of the nodes in flight, gathered again only where a child or the entry changed: a pass costs what changed. */
import type { NodeOp } from "../../domain/api/nodeop.ts";
import type { NodeStatus } from "../../domain/api/status.ts";
import { labelValue } from "../../domain/labels.ts";
import { censusOf, type Entries, NO_ENTRIES } from "../../domain/rollout/census.ts";
import type { Children } from "../../domain/rollout/observed.ts";

interface Known {
  readonly nodeUID: string | undefined;
  readonly children: Children;
}

export class ChildrenMemory {
  readonly #nodes = new Map<string, Known>();
  /** Names of nodes by their label values, where the two differ. */
  readonly #names = new Map<string, string>();

  /** What `of` last answered, while nothing has changed. */
  #last:
    | { readonly entries: Entries; readonly children: ReadonlyMap<string, Children> }
    | undefined;

  /** A child on a node is another version; `node` as its label value. */
  changed(node: string): void {
    if (this.#nodes.delete(this.#names.get(node) ?? node)) this.#last = undefined;
  }

  /** The children of every node in flight; `gather` is asked for those that are not known any more. */
  of(
    operation: NodeOp,
    gather: (node: string, nodeUID: string) => Children,
  ): ReadonlyMap<string, Children> {
    const entries = operation.status.nodeStatuses ?? NO_ENTRIES;
    if (this.#last?.entries === entries) return this.#last.children;
    const { inFlight } = censusOf(entries);
    const children = new Map<string, Children>();
    for (const name of inFlight) children.set(name, this.#get(name, entries[name]!, gather));
    if (this.#nodes.size > inFlight.length) this.#forgetOthers(children);
    this.#last = { entries, children };
    return children;
  }

  #get(
    name: string,
    { nodeUID }: NodeStatus,
    gather: (node: string, nodeUID: string) => Children,
  ): Children {
    const known = this.#nodes.get(name);
    if (known !== undefined && known.nodeUID === nodeUID) return known.children;
    const children = gather(name, nodeUID ?? "");
    this.#nodes.set(name, { nodeUID, children });
    const label = labelValue(name);
    if (label !== name) this.#names.set(label, name);
    return children;
  }

  #forgetOthers(inFlight: ReadonlyMap<string, unknown>): void {
    for (const name of this.#nodes.keys()) if (!inFlight.has(name)) this.#nodes.delete(name);
    for (const [label, name] of this.#names) if (!inFlight.has(name)) this.#names.delete(label);
  }
}
