/** Who made which version of an object, by the audit log. */
import type { CommitVerb } from "../../../src/domain/history.ts";
import { type KubeObject, objectKey } from "../../../src/domain/kube/object.ts";
import { type AuditEvent, isDryRun } from "./AuditTail.ts";

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
  !isDryRun(event);

/** Finds the request that made a version of an object. */
export class Authors {
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

  /**
   * The eviction by which this version is marked for deletion. A kubelet's removal answers with the same version where nothing
   * came in between, but was asked for later.
   */
  #eviction(before: KubeObject | undefined, object: KubeObject): AuditEvent | undefined {
    const { deletionTimestamp } = object.metadata;
    if (deletionTimestamp === undefined || before?.metadata.deletionTimestamp !== undefined)
      return undefined;
    const evictions = this.#evictions.get(objectKey(object.metadata)) ?? [];
    const maker = this.#maker(before, object);
    const [first] = evictions;
    return first !== undefined &&
      (maker === undefined || first.requestReceivedTimestamp < maker.requestReceivedTimestamp)
      ? evictions.shift()
      : undefined;
  }

  of(before: KubeObject | undefined, object: KubeObject, gone: boolean): Author {
    // Deletion without a grace period marks and removes in one request, which answers with neither version.
    const removal = this.#lastOf.get(object.metadata.uid);
    const event = gone
      ? removal
      : (this.#eviction(before, object) ??
        this.#maker(before, object) ??
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
