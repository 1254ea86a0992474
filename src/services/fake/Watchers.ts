/**
 * The open watches of one kind. A commit reaches only the watches it can concern: they are found by name, by the indexed
 * field and by namespace, so a thousand kubelets that watch their own Pods do not make a Pod's commit a thousand times
 * dearer.
 */
import type { Commit } from "../../domain/history.ts";
import type { KubeObject } from "../../domain/kube/object.ts";
import { apiVersionOf } from "../../domain/kube/resource.ts";
import type { StatusBody, WatchSink } from "../ApiServer.ts";
import type { WatchFrame } from "../KubeTransport.ts";
import { own, withFields } from "./json.ts";
import { type Kind, withMeta } from "./kinds/Kind.ts";
import type { Selection } from "./Selection.ts";
import { indexedValue } from "./Table.ts";

/** One open watch. */
export interface Watcher {
  readonly actor: string;
  readonly selection: Selection;
  readonly sink: WatchSink;
  readonly bookmarks: boolean;
  /** The newest version it has been told of; older commits are not for it. */
  version: number;
  open: boolean;
}

/** The frames of one commit, each made once and shared by everybody who gets it. */
class Frames {
  readonly #commit: Commit;
  readonly #kind: Kind;
  #made: { [Type in WatchFrame["type"]]?: ReadonlyArray<WatchFrame> } = {};

  constructor(commit: Commit, kind: Kind) {
    this.#commit = commit;
    this.#kind = kind;
  }

  /** What a watch with this selection sees: entering it is ADDED, leaving it DELETED, whatever the commit was. */
  for(selection: Selection): ReadonlyArray<WatchFrame> | undefined {
    const { before, after } = this.#commit;
    const was = selection.matches(before);
    const is = selection.matches(after);
    if (is) return this.#frame(was ? "MODIFIED" : "ADDED", after);
    return was ? this.#frame("DELETED", before) : undefined;
  }

  #frame(
    type: "ADDED" | "MODIFIED" | "DELETED",
    object: KubeObject | undefined,
  ): ReadonlyArray<WatchFrame> | undefined {
    if (object === undefined) return undefined;
    return (this.#made[type] ??= own([own({ type, object: this.#shown(type, object) })]));
  }

  /** What left is shown as it was last seen, but with the version at which it left (cache_watcher.go). */
  #shown(type: WatchFrame["type"], object: KubeObject): KubeObject {
    const shown = this.#kind.complete(object);
    return type === "DELETED"
      ? withFields(shown, {
          metadata: withMeta(shown.metadata, { resourceVersion: String(this.#commit.rv) }),
        })
      : shown;
  }
}

/** A set of watchers per key; keys without watchers are forgotten. */
class WatcherIndex {
  readonly #sets = new Map<string, Set<Watcher>>();

  add(key: string, watcher: Watcher): void {
    const set = this.#sets.get(key);
    if (set === undefined) this.#sets.set(key, new Set([watcher]));
    else set.add(watcher);
  }

  delete(key: string, watcher: Watcher): void {
    const set = this.#sets.get(key);
    if (set?.delete(watcher) === true && set.size === 0) this.#sets.delete(key);
  }

  get(key: string | undefined): Iterable<Watcher> {
    return (key === undefined ? undefined : this.#sets.get(key)) ?? [];
  }
}

/** The place of a watch: the narrowest set that holds every object it can match. */
const placeOf = (selection: Selection): readonly ["name" | "indexed" | "namespace", string] => {
  if (selection.name !== undefined) return ["name", selection.name];
  if (selection.indexed !== undefined) return ["indexed", selection.indexed];
  return ["namespace", selection.namespace ?? ""];
};

export class Watchers {
  readonly #kind: Kind;
  readonly #all = new Set<Watcher>();
  readonly #index = {
    name: new WatcherIndex(),
    indexed: new WatcherIndex(),
    // Those of all namespaces are under the empty one.
    namespace: new WatcherIndex(),
  };

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  get size(): number {
    return this.#all.size;
  }

  add(watcher: Watcher): void {
    this.#all.add(watcher);
    const [index, key] = placeOf(watcher.selection);
    this.#index[index].add(key, watcher);
  }

  /** Forgets a watch; its sink is not told. */
  remove(watcher: Watcher): void {
    watcher.open = false;
    this.#all.delete(watcher);
    const [index, key] = placeOf(watcher.selection);
    this.#index[index].delete(key, watcher);
  }

  /** Ends watches from the server's side. */
  close(end: StatusBody | undefined, which: (watcher: Watcher) => boolean): void {
    for (const watcher of [...this.#all].filter(which)) {
      this.remove(watcher);
      watcher.sink.closed(end);
    }
  }

  *#concerned({ name, namespace, before, after }: Commit): Iterable<Watcher> {
    yield* this.#index.namespace.get("");
    if (namespace !== undefined && namespace !== "") yield* this.#index.namespace.get(namespace);
    yield* this.#index.name.get(name);
    const was = indexedValue(before);
    const is = indexedValue(after);
    yield* this.#index.indexed.get(is);
    if (was !== is) yield* this.#index.indexed.get(was);
  }

  /** Tells everybody concerned of a commit. */
  publish(commit: Commit): void {
    if (this.#all.size === 0) return;
    const frames = new Frames(commit, this.#kind);
    for (const watcher of this.#concerned(commit)) {
      if (!watcher.open || watcher.version >= commit.rv) continue;
      watcher.version = commit.rv;
      const due = frames.for(watcher.selection);
      if (due !== undefined) watcher.sink.frames(due);
    }
  }

  /** The frames of past commits, as this watch would have seen them. */
  replay(selection: Selection, commits: ReadonlyArray<Commit>): ReadonlyArray<WatchFrame> {
    const { name } = selection;
    const frames: Array<WatchFrame> = [];
    // Most watches that are opened again are about one object, in a history of thousands of commits.
    for (const commit of commits)
      if (name === undefined || commit.name === name)
        frames.push(...(new Frames(commit, this.#kind).for(selection) ?? []));
    return frames;
  }

  /** Tells those who asked for bookmarks how far they have come. */
  bookmark(version: number): void {
    const frames = own([own({ type: "BOOKMARK" as const, object: this.bookmarkObject(version) })]);
    for (const watcher of this.#all) {
      if (!watcher.open || !watcher.bookmarks || watcher.version >= version) continue;
      watcher.version = version;
      watcher.sink.frames(frames);
    }
  }

  /** The object of a BOOKMARK frame; `annotations` marks the end of the initial events. */
  bookmarkObject(version: number, annotations?: Readonly<Record<string, string>>): object {
    const { resource } = this.#kind;
    return own({
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: own({
        resourceVersion: String(version),
        ...(annotations === undefined ? {} : { annotations }),
      }),
    });
  }
}
