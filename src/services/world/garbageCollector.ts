/**
 * The simulated garbage collector of kube-controller-manager (Kubernetes, "Garbage Collection"; pkg/controller/garbagecollector): deletes
 * what has lost all its owners, carries out Foreground and Orphan deletions. It works on its own caches, late, and
 * verifies owners live before it deletes anything.
 */
import { Effect } from "effect";
import type { KubeObject, OwnerReference } from "../../domain/kube/object.ts";
import type { Resource } from "../../domain/kube/resource.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import type { SecondsRange } from "./behaviour.ts";
import { CONFLICT_MILLIS, controllerProgram } from "./controllerProgram.ts";
import { isAny, Mirror } from "./Mirror.ts";
import { awaits, FOREGROUND, ORPHAN, type Owned, Ownership } from "./ownership.ts";
import { deleteObject, getObject, isGone, patchObject } from "./requests.ts";
import type { SyncLoop } from "./SyncLoop.ts";
import { together } from "./together.ts";

export interface GarbageCollectorOptions {
  /** What is collected. Owners of other kinds count as present for ever. */
  readonly resources: ReadonlyArray<Resource>;
  /** From a change to the collector's reaction. Default: 0.1 to 2 s. */
  readonly reactionSeconds?: SecondsRange | undefined;
}

const REACTION_SECONDS: SecondsRange = [0.1, 2];
/** kube-controller-manager --concurrent-gc-syncs. */
const WORKERS = 20;

/** Runs until its process ends. */
export const garbageCollector = (
  options: GarbageCollectorOptions,
): Effect.Effect<never, never, KubeTransport> =>
  controllerProgram({
    workers: WORKERS,
    reactionSeconds: options.reactionSeconds ?? REACTION_SECONDS,
    make: (loop) => new Collector(options.resources, loop),
  });

/** An object's owners by what they mean for its life. */
interface Owners {
  /** Present, or of a kind that nobody watches. */
  readonly solid: ReadonlyArray<OwnerReference>;
  /** Absent by uid. */
  readonly dangling: ReadonlyArray<OwnerReference>;
  /** In foreground deletion: they go when their blocking dependents have gone. */
  readonly waiting: ReadonlyArray<OwnerReference>;
}

class Collector {
  readonly #loop: SyncLoop<KubeTransport>;
  readonly #graph: Ownership;
  readonly #mirrors: ReadonlyArray<Mirror>;
  /** What to look at once all kinds are listed. */
  readonly #early = new Set<string>();
  #ready = false;

  constructor(resources: ReadonlyArray<Resource>, loop: SyncLoop<KubeTransport>) {
    this.#loop = loop;
    this.#graph = new Ownership(resources);
    this.#mirrors = resources.map(
      (resource) =>
        new Mirror({
          resource,
          is: isAny,
          onChange: ({ before, after }) => {
            for (const uid of this.#graph.change(resource, before, after)) this.#add(uid);
          },
          onListed: () => this.#listed(),
        }),
    );
  }

  get run(): Effect.Effect<never, never, KubeTransport> {
    return together([...this.#mirrors.map((mirror) => mirror.run), this.#loop.run]);
  }

  #add(uid: string): void {
    if (this.#ready) this.#loop.add(uid);
    else this.#early.add(uid);
  }

  #listed(): void {
    if (this.#ready || this.#mirrors.some((mirror) => !mirror.listed)) return;
    this.#ready = true;
    for (const uid of this.#early) this.#loop.add(uid);
    this.#early.clear();
  }

  readonly sync = Effect.fnUntraced({ self: this }, function* (this: Collector, uid: string) {
    const owned = this.#graph.get(uid);
    if (owned === undefined) return undefined;
    return yield* this.#process(owned).pipe(
      Effect.as(undefined),
      Effect.catchIf(isGone, () => Effect.succeed(CONFLICT_MILLIS)),
    );
  });

  #process(owned: Owned) {
    if (awaits(owned.object, ORPHAN)) return this.#orphanDependents(owned);
    if (awaits(owned.object, FOREGROUND)) return this.#deleteDependents(owned);
    return this.#collect(owned);
  }

  /** Propagation policy Orphan: the dependents forget their owner, then it may go. */
  readonly #orphanDependents = Effect.fnUntraced(
    { self: this },
    function* (this: Collector, owner: Owned) {
      const { uid } = owner.object.metadata;
      for (const dependent of this.#graph.dependentsOf(uid))
        yield* withoutOwners(dependent, (reference) => reference.uid !== uid).pipe(
          Effect.catchTag("NotFound", () => Effect.void),
        );
      yield* withoutFinalizer(owner, ORPHAN);
    },
  );

  /** Propagation policy Foreground: the dependents go first; those that block keep the owner. */
  readonly #deleteDependents = Effect.fnUntraced(
    { self: this },
    function* (this: Collector, owner: Owned) {
      const { uid } = owner.object.metadata;
      if (this.#graph.blocking(uid).length === 0) return yield* withoutFinalizer(owner, FOREGROUND);
      for (const { object } of this.#graph.dependentsOf(uid)) this.#loop.add(object.metadata.uid);
    },
  );

  /** Deletes an object that nobody owns any more; one that has owners left forgets those that are gone. */
  readonly #collect = Effect.fnUntraced({ self: this }, function* (this: Collector, owned: Owned) {
    const { resource, object } = owned;
    const { deletionTimestamp, ownerReferences = [], namespace, name, uid } = object.metadata;
    if (deletionTimestamp !== undefined || ownerReferences.length === 0) return;
    // The cache may be behind: what decides is the object as it is now.
    const live = yield* getObject(resource, namespace, name);
    if (live.metadata.uid !== uid) return;
    const owners = yield* this.#classify(live);
    if (owners.solid.length > 0) {
      if (owners.dangling.length + owners.waiting.length > 0)
        yield* withoutOwners({ resource, object: live }, (owner) => owners.solid.includes(owner));
    } else if (owners.dangling.length + owners.waiting.length > 0)
      yield* deleteObject(resource, live, { propagationPolicy: this.#policy(live, owners) });
  });

  /** The deletion goes on as it began: an owner in foreground deletion waits for the dependents' dependents as well. */
  #policy({ metadata }: KubeObject, { waiting }: Owners) {
    if (metadata.finalizers?.includes(ORPHAN) === true) return "Orphan";
    const hasDependents = this.#graph.dependentsOf(metadata.uid).length > 0;
    const foreground =
      metadata.finalizers?.includes(FOREGROUND) === true || (waiting.length > 0 && hasDependents);
    return foreground ? "Foreground" : "Background";
  }

  readonly #classify = Effect.fnUntraced(
    { self: this },
    function* (this: Collector, object: KubeObject) {
      const solid: Array<OwnerReference> = [];
      const dangling: Array<OwnerReference> = [];
      const waiting: Array<OwnerReference> = [];
      for (const owner of object.metadata.ownerReferences ?? []) {
        const resource = this.#graph.resourceOf(owner);
        const found =
          resource === undefined ? "unknown" : yield* liveOwner(resource, object, owner);
        if (found === "unknown") solid.push(owner);
        else if (found?.metadata.uid !== owner.uid) dangling.push(owner);
        else if (awaits(found, FOREGROUND)) waiting.push(owner);
        else solid.push(owner);
      }
      return { solid, dangling, waiting };
    },
  );
}

/** The object that has the owner's name now, by a live read. */
const liveOwner = (resource: Resource, dependent: KubeObject, owner: OwnerReference) => {
  const namespace = resource.namespaced ? dependent.metadata.namespace : undefined;
  return getObject(resource, namespace, owner.name).pipe(
    Effect.catchTag("NotFound", () => Effect.undefined),
  );
};

const withoutOwners = ({ resource, object }: Owned, keep: (owner: OwnerReference) => boolean) => {
  const { ownerReferences = [], resourceVersion } = object.metadata;
  const metadata = { ownerReferences: ownerReferences.filter(keep), resourceVersion };
  return Effect.asVoid(patchObject(resource, object, { metadata }));
};

const withoutFinalizer = ({ resource, object }: Owned, gone: string) => {
  const { finalizers = [], resourceVersion } = object.metadata;
  const metadata = {
    finalizers: finalizers.filter((finalizer) => finalizer !== gone),
    resourceVersion,
  };
  return Effect.asVoid(patchObject(resource, object, { metadata }));
};
