/** The storage of the API server: one counter of versions, a table per kind, and everybody who is told of commits. */
import type { Commit } from "../../domain/history.ts";
import type { KubeObject } from "../../domain/kube/object.ts";
import type { Resource } from "../../domain/kube/resource.ts";
import type { Kind } from "./kinds/Kind.ts";
import { withMeta } from "./kinds/Kind.ts";
import { withFields } from "./json.ts";
import { Table } from "./Table.ts";
import { Watchers } from "./Watchers.ts";

/** A kind with its objects and its watches. */
export interface Shelf {
  readonly kind: Kind;
  readonly table: Table;
  readonly watchers: Watchers;
}

/** A change on its way into the store: a commit that has no version and no time yet. */
export type Change = Omit<Commit, "rv" | "at" | "resource" | "namespace" | "name">;

const idOf = (resource: Resource): string =>
  `${resource.group}/${resource.version}/${resource.plural}`;

export class Store {
  readonly #now: () => number;
  readonly #compactionInterval: number;
  readonly #shelves = new Map<string, Shelf>();
  readonly #listeners = new Set<(commit: Commit) => void>();
  #version = 0;
  #nextCompaction: number;
  #compactionMark = 0;
  /** Commits that watches have not been told of, because one is just being told. */
  readonly #undelivered: Array<readonly [Shelf, Commit]> = [];
  #delivering = false;

  /** `compactionInterval`: milliseconds; history is kept for one to two of them. */
  constructor(options: { readonly now: () => number; readonly compactionInterval: number }) {
    this.#now = options.now;
    this.#compactionInterval = options.compactionInterval;
    this.#nextCompaction = options.now() + options.compactionInterval;
  }

  get version(): number {
    return this.#version;
  }

  get now(): number {
    return this.#now();
  }

  /** Serves a kind; one that is served already keeps its objects and its watches end. */
  define(kind: Kind): void {
    const id = idOf(kind.resource);
    const known = this.#shelves.get(id);
    known?.watchers.close(undefined, () => true);
    const table = known?.table ?? new Table();
    this.#shelves.set(id, { kind, table, watchers: new Watchers(kind) });
  }

  shelf(resource: Resource): Shelf | undefined {
    return this.#shelves.get(idOf(resource));
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stores a change under the next version and tells listeners, then watches. Returns the object with that version. */
  commit(shelf: Shelf, change: Change, subject: KubeObject): KubeObject {
    const rv = ++this.#version;
    const stored = withFields(subject, {
      metadata: withMeta(subject.metadata, { resourceVersion: String(rv) }),
    });
    const { name, namespace } = subject.metadata;
    const commit: Commit = Object.freeze({
      ...change,
      ...(change.after === undefined ? {} : { after: stored }),
      rv,
      at: this.now,
      resource: shelf.kind.resource,
      ...(namespace === undefined ? {} : { namespace }),
      name,
    });
    shelf.table.record(commit);
    for (const listener of this.#listeners) listener(commit);
    this.#deliver(shelf, commit);
    this.#compactInTime();
    return stored;
  }

  /** A sink that writes in turn must not make others see its commit before the one it was told of. */
  #deliver(shelf: Shelf, commit: Commit): void {
    this.#undelivered.push([shelf, commit]);
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      for (let next = this.#undelivered.shift(); next; next = this.#undelivered.shift()) {
        next[0].watchers.publish(next[1]);
      }
    } finally {
      this.#delivering = false;
    }
  }

  /** As a kube-apiserver has etcd do every five minutes: what was current at the last time is forgotten before it. */
  #compactInTime(): void {
    if (this.now < this.#nextCompaction) return;
    this.bookmark();
    this.compact(this.#compactionMark);
    this.#compactionMark = this.#version;
    this.#nextCompaction = this.now + this.#compactionInterval;
  }

  compact(version: number): void {
    for (const { table } of this.#shelves.values()) table.compact(version);
  }

  /** Does nothing while a commit is being told: a bookmark must not overtake it. */
  bookmark(): void {
    if (this.#delivering) return;
    for (const { watchers } of this.#shelves.values()) watchers.bookmark(this.#version);
  }

  shelves(): Iterable<Shelf> {
    return this.#shelves.values();
  }
}
