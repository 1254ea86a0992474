/**
 * Sees every change of a real cluster, as the commit log of the fake shows it: watches of all kinds tell what changed in
 * which order, the audit log who did it. Knows nothing that the server has not said.
 */
import { Effect, type Scope, Stream } from "effect";
import type { Commit, CommitVerb } from "../../../src/domain/history.ts";
import { type KubeObject, objectKey } from "../../../src/domain/kube/object.ts";
import {
  Jobs,
  NodeOps,
  NodeOpUpgrades,
  Nodes,
  PodDisruptionBudgets,
  Pods,
  ReplicaSets,
  type Resource,
  RoleBindings,
  Roles,
  ServiceAccounts,
  StatefulSets,
} from "../../../src/domain/kube/resource.ts";
import { KubeTransport } from "../../../src/services/KubeTransport.ts";
import type { AuditEvent } from "./AuditTail.ts";

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

interface Author {
  readonly at: number;
  readonly actor: string;
  readonly verb: CommitVerb;
  readonly subresource?: string | undefined;
}

const OPERATOR = "system:serviceaccount:operator-system:operator-kairos-operator";
const CONTROLLERS: Readonly<Record<string, string>> = {
  "generic-garbage-collector": "garbage-collector",
};

/** Who asked, by the names that laws and stories use. */
export const actorOf = ({ user, userAgent = "" }: AuditEvent): string => {
  if (user.username === OPERATOR) return "operator";
  const [, namespace, account = ""] =
    /^system:serviceaccount:([^:]+):(.+)$/u.exec(user.username) ?? [];
  if (namespace === "kube-system") return CONTROLLERS[account] ?? account;
  if (namespace !== undefined) return userAgent.startsWith("agent/") ? "agent" : account;
  return userAgent.startsWith("kubelet/") ? userAgent : "user";
};

const VERBS: Readonly<Record<string, CommitVerb>> = {
  create: "create",
  update: "update",
  patch: "patch",
  delete: "delete",
  deletecollection: "delete",
};

const isEviction = (
  event: AuditEvent,
): event is AuditEvent & { readonly objectRef: { readonly name: string } } =>
  event.objectRef?.subresource === "eviction" &&
  event.objectRef.name !== undefined &&
  !event.requestURI.includes("dryRun=");

/** Finds the request that made a version of an object. */
class Authors {
  readonly #byVersion = new Map<string, Array<AuditEvent>>();
  readonly #lastOf = new Map<string, AuditEvent>();
  /** By namespace and name, in order: the answer to an eviction says nothing about its Pod. */
  readonly #evictions = new Map<string, Array<AuditEvent>>();

  constructor(audit: ReadonlyArray<AuditEvent>) {
    for (const event of audit) {
      if (event.stage !== "ResponseComplete" || VERBS[event.verb] === undefined) continue;
      if ((event.responseStatus?.code ?? 500) >= 300) continue;
      if (isEviction(event)) {
        const pod = objectKey(event.objectRef);
        this.#evictions.set(pod, [...(this.#evictions.get(pod) ?? []), event]);
        continue;
      }
      const answer = event.responseObject as
        | { readonly metadata?: KubeObject["metadata"]; readonly details?: { uid?: string } }
        | undefined;
      const version = answer?.metadata?.resourceVersion;
      if (version !== undefined) {
        const known = this.#byVersion.get(version);
        if (known === undefined) this.#byVersion.set(version, [event]);
        else known.push(event);
      }
      const uid = answer?.metadata?.uid ?? answer?.details?.uid;
      if (uid !== undefined) this.#lastOf.set(uid, event);
    }
  }

  /**
   * A request that changed nothing answers with the version that another one made: of several, the one that made it is the
   * one whose manager (the first part of its user agent) has other fields now.
   */
  #maker(before: KubeObject | undefined, object: KubeObject): AuditEvent | undefined {
    const [first, ...others] = this.#byVersion.get(object.metadata.resourceVersion) ?? [];
    if (others.length === 0) return first;
    const [was, is] = [managersOf(before), managersOf(object)];
    const changed = [first, ...others].find((event) => {
      const manager = event?.userAgent?.split("/")[0] ?? "";
      return was.get(manager) !== is.get(manager);
    });
    return changed ?? first;
  }

  of(before: KubeObject | undefined, object: KubeObject, gone: boolean): Author {
    // Deletion without a grace period marks and removes in one request, which answers with neither version.
    const removal = this.#lastOf.get(object.metadata.uid);
    const marks =
      before?.metadata.deletionTimestamp === undefined &&
      object.metadata.deletionTimestamp !== undefined;
    const event = gone
      ? removal
      : (this.#maker(before, object) ??
        (marks ? this.#evictions.get(objectKey(object.metadata))?.shift() : undefined) ??
        (object.metadata.deletionTimestamp === undefined ? undefined : removal));
    if (event === undefined) return { at: 0, actor: "user", verb: gone ? "delete" : "update" };
    const evicts = isEviction(event);
    return {
      at: Date.parse(event.requestReceivedTimestamp) + microsOf(event.requestReceivedTimestamp),
      actor: actorOf(event),
      verb: evicts ? "evict" : gone ? "delete" : (VERBS[event.verb] ?? "update"),
      subresource: event.objectRef?.subresource,
    };
  }
}

/** The managers of an object's fields and what is noted of each. */
const managersOf = (object: KubeObject | undefined): ReadonlyMap<string, string> => {
  const { managedFields = [] } = (object?.metadata ?? {}) as {
    readonly managedFields?: ReadonlyArray<{ readonly manager?: string }>;
  };
  const notes = new Map<string, string>();
  for (const entry of managedFields) {
    const { manager = "" } = entry;
    notes.set(manager, (notes.get(manager) ?? "") + JSON.stringify(entry));
  }
  return notes;
};

/** What `Date.parse` drops of `2026-01-01T00:00:00.123456Z`, in milliseconds. */
const microsOf = (time: string): number => Number(/\.\d{3}(\d{1,3})/u.exec(time)?.[1] ?? 0) / 1000;
