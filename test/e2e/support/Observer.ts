/**
 * Sees every change of a real cluster, as the commit log of the fake shows it: watches of all kinds tell what changed in
 * which order, the audit log who did it. Knows nothing that the server has not said.
 */
import { Effect, type Scope, Stream } from "effect";
import type { Commit } from "../../../src/domain/history.ts";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import {
  Jobs,
  NodeOps,
  NodeOpUpgrades,
  Nodes,
  PodDisruptionBudgets,
  PersistentVolumeClaims,
  Pods,
  ReplicaSets,
  type Resource,
  RoleBindings,
  Roles,
  ServiceAccounts,
  StatefulSets,
  VolumeAttachments,
} from "../../../src/domain/kube/resource.ts";
import { KubeTransport } from "../../../src/services/KubeTransport.ts";
import type { AuditEvent } from "./AuditTail.ts";
import { Authors } from "./authors.ts";

const OBSERVED: ReadonlyArray<Resource> = [
  Nodes,
  Pods,
  Jobs,
  NodeOps,
  NodeOpUpgrades,
  ServiceAccounts,
  Roles,
  RoleBindings,
  ReplicaSets,
  StatefulSets,
  PodDisruptionBudgets,
  PersistentVolumeClaims,
  VolumeAttachments,
];

interface Change {
  readonly resource: Resource;
  readonly rv: number;
  readonly gone: boolean;
  readonly object: KubeObject;
}

interface List {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: ReadonlyArray<KubeObject>;
}

const listOf = (resource: Resource): Effect.Effect<List, never, KubeTransport> =>
  Effect.flatMap(KubeTransport, (transport) =>
    Effect.map(Effect.orDie(transport.request({ verb: "list", resource })), (list) => list as List),
  );

const versionOf = (object: KubeObject): number => Number(object.metadata.resourceVersion);

/** Takes note of everything until the scope ends. */
export class Observer {
  readonly #changes: Array<Change> = [];
  #news: Array<() => void> = [];

  static readonly make: Effect.Effect<Observer, never, Scope.Scope | KubeTransport> = Effect.gen(
    function* () {
      const observer = new Observer();
      yield* Effect.forEach(OBSERVED, (resource) => observer.#start(resource), {
        concurrency: "unbounded",
        discard: true,
      });
      return observer;
    },
  );

  /** The objects of a resource as they are now. */
  objects(resource: Resource): ReadonlyArray<KubeObject> {
    const latest = new Map<string, Change>();
    for (const change of this.#changes)
      if (change.resource === resource) latest.set(change.object.metadata.uid, change);
    return [...latest.values()].filter(({ gone }) => !gone).map(({ object }) => object);
  }

  /** Every version of every object of a resource that was seen. */
  versions(resource: Resource): ReadonlyArray<KubeObject> {
    return this.#changes
      .filter((change) => change.resource === resource)
      .map(({ object }) => object);
  }

  /** Waits until something is so. Looks again at each change. */
  until<A>(look: () => A | undefined): Effect.Effect<A> {
    return Effect.callback((resume) => {
      const again = () => {
        const found = look();
        if (found === undefined) this.#news.push(again);
        else resume(Effect.succeed(found));
      };
      again();
    });
  }

  /** Everything so far as commits, in the order of the server's versions, with who did it by the audit log. */
  commits(audit: ReadonlyArray<AuditEvent>): ReadonlyArray<Commit> {
    const authors = new Authors(audit);
    const last = new Map<string, KubeObject>();
    let at = 0;
    return this.#changes
      .toSorted((a, b) => a.rv - b.rv)
      .map(({ resource, rv, gone, object }): Commit => {
        const { namespace, name, uid } = object.metadata;
        const before = last.get(uid);
        if (gone) last.delete(uid);
        else last.set(uid, object);
        const author = authors.of(before, object, gone);
        at = Math.max(at, author.at);
        const { actor, verb } = author;
        return {
          rv,
          at,
          sentAt: at,
          actor: actor === "agent" ? `agent/${nodeOf(object)}` : actor,
          verb: before === undefined && !gone ? "create" : verb,
          subresource: author.subresource,
          resource,
          namespace,
          name,
          before: before ?? (gone ? object : undefined),
          after: gone ? undefined : object,
        };
      });
  }

  /** Waits until everything that the server has now has been seen. */
  get caughtUp(): Effect.Effect<void, never, KubeTransport> {
    return Effect.forEach(OBSERVED, (resource) => this.#caughtUp(resource), { discard: true });
  }

  readonly #caughtUp = Effect.fnUntraced(
    { self: this },
    function* (this: Observer, resource: Resource) {
      const { items } = yield* listOf(resource);
      yield* this.until(() => {
        const seen = new Map(
          this.objects(resource).map((object) => [object.metadata.uid, versionOf(object)]),
        );
        const isSeen = (object: KubeObject) =>
          (seen.get(object.metadata.uid) ?? Infinity) >= versionOf(object);
        return items.every(isSeen) ? true : undefined;
      });
    },
  );

  #add(change: Change): void {
    this.#changes.push(change);
    const news = this.#news;
    this.#news = [];
    for (const tell of news) tell();
  }

  /** Lists, then watches from there on, over as many connections as it takes. */
  readonly #start = Effect.fnUntraced(
    { self: this },
    function* (this: Observer, resource: Resource) {
      const transport = yield* KubeTransport;
      const list = yield* listOf(resource);
      for (const object of list.items)
        this.#add({ resource, rv: versionOf(object), gone: false, object });
      let resourceVersion = list.metadata.resourceVersion;
      const watch = Effect.suspend(() =>
        transport.watch({ resource, resourceVersion, allowWatchBookmarks: true }).pipe(
          Stream.runForEach(({ type, object }) =>
            Effect.sync(() => {
              const seen = object as KubeObject;
              resourceVersion = seen.metadata.resourceVersion ?? resourceVersion;
              if (type === "BOOKMARK") return;
              this.#add({ resource, rv: versionOf(seen), gone: type === "DELETED", object: seen });
            }),
          ),
        ),
      );
      // A server that was started again remembers no history: what it has now came last before it went, if it is news.
      const again = Effect.gen({ self: this }, function* () {
        const now = yield* listOf(resource);
        resourceVersion = now.metadata.resourceVersion;
        const known = new Map(this.objects(resource).map((one) => [one.metadata.uid, one]));
        const uids = new Set(now.items.map(({ metadata }) => metadata.uid));
        for (const object of known.values())
          if (!uids.has(object.metadata.uid))
            this.#add({ resource, rv: Number(resourceVersion), gone: true, object });
        for (const object of now.items) {
          const before = known.get(object.metadata.uid);
          if (before === undefined || versionOf(before) < versionOf(object))
            this.#add({ resource, rv: versionOf(object), gone: false, object });
        }
      });
      // A server that is down for a while is part of what is observed; what happened meanwhile comes after.
      const patient = watch.pipe(
        Effect.catch((error) => (error._tag === "Expired" ? again : Effect.sleep("200 millis"))),
      );
      yield* Effect.forkScoped(Effect.forever(patient));
    },
  );
}

const nodeOf = (object: KubeObject): string => {
  const spec = object["spec"] as { readonly nodeName?: string } | undefined;
  return spec?.nodeName ?? "";
};
