/** Deletion: preconditions, grace, finalizers, propagation (registry/rest/delete.go, registry/generic/registry/store.go). */
import { Result } from "effect";
import { type KubeObject, kubeTime, millisOf } from "../../domain/kube/object.ts";
import type { StatusBody } from "../ApiServer.ts";
import { invalid, notSupported } from "./fieldError.ts";
import { adopt, at, own, sameJson, withFields } from "./json.ts";
import { type Kind, withMeta } from "./kinds/Kind.ts";
import { invalidOptions, notFound, preconditionFailed } from "./status.ts";
import type { WriteContext } from "./writing.ts";

/** What a DeleteOptions body says, as far as it has a say. */
export interface DeleteOptions {
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: string | undefined;
  readonly orphanDependents: unknown;
  readonly dryRun: boolean;
}

type Deleted = Result.Result<object, StatusBody>;

const ORPHAN = "orphan";
const FOREGROUND = "foregroundDeletion";

const text = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;

/** Reads the body of a deletion, or the `deleteOptions` of an eviction. */
export const deleteOptions = (given: unknown, dryRun: boolean): DeleteOptions => {
  const body = adopt(given);
  const asked = at(body, "gracePeriodSeconds");
  // Negative values mean one second.
  const seconds = typeof asked === "number" ? (asked < 0 ? 1 : asked) : undefined;
  const dry = at(body, "dryRun");
  return {
    uid: text(at(body, "preconditions", "uid")),
    resourceVersion: text(at(body, "preconditions", "resourceVersion")),
    gracePeriodSeconds: seconds,
    propagationPolicy: text(at(body, "propagationPolicy")),
    orphanDependents: at(body, "orphanDependents"),
    dryRun: dryRun || (Array.isArray(dry) && dry.includes("All")),
  };
};

const POLICIES = ["Foreground", "Background", "Orphan"];

/** Why the object is not the one that is to go, or the options make no sense. */
export const unmet = (
  kind: Kind,
  object: KubeObject,
  options: DeleteOptions,
): StatusBody | undefined => {
  const { name, uid, resourceVersion } = object.metadata;
  const policy = options.propagationPolicy;
  if (policy !== undefined && !POLICIES.includes(policy)) {
    const error = notSupported("propagationPolicy", policy, [...POLICIES, "nil"]);
    return invalidOptions("DeleteOptions", [error]);
  }
  if (policy !== undefined && (options.orphanDependents ?? null) !== null) {
    const why = "orphanDependents and deletionPropagation cannot be both set";
    return invalidOptions("DeleteOptions", [invalid("propagationPolicy", policy, why)]);
  }
  if (options.uid !== undefined && options.uid !== uid) {
    return preconditionFailed(
      kind.resource,
      name,
      `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    );
  }
  return options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion
    ? preconditionFailed(
        kind.resource,
        name,
        `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
      )
    : undefined;
};

/** The finalizers by which the garbage collector learns what becomes of dependents: said, or on the object, or the default. */
const propagationFinalizers = (
  kind: Kind,
  object: KubeObject,
  { propagationPolicy }: DeleteOptions,
): ReadonlyArray<string> => {
  const finalizers = object.metadata.finalizers ?? [];
  const others = finalizers.filter((one) => one !== ORPHAN && one !== FOREGROUND);
  const inherited = finalizers.find((one) => one === ORPHAN || one === FOREGROUND);
  switch (propagationPolicy) {
    case "Orphan":
      return [...others, ORPHAN];
    case "Foreground":
      return [...others, FOREGROUND];
    case "Background":
      return others;
    default:
      if (inherited !== undefined) return finalizers;
      return kind.defaultPropagation === "Orphan" ? [...others, ORPHAN] : finalizers;
  }
};

const marked = (
  object: KubeObject,
  fields: Parameters<typeof withMeta<KubeObject["metadata"]>>[1],
): KubeObject => withFields(object, { metadata: withMeta(object.metadata, fields) });

/** `pending`: a graceful deletion is under way and this request changes nothing about it. */
type Graceful = "none" | "pending" | { readonly object: KubeObject; readonly seconds: number };

/** What grace the object gets (rest.BeforeDelete): the first delete grants it, later ones can only shorten it. */
const gracefully = (
  kind: Kind,
  object: KubeObject,
  asked: number | undefined,
  now: number,
): Graceful => {
  if (kind.gracePeriod === undefined) return "none";
  const { deletionTimestamp, deletionGracePeriodSeconds: granted, generation } = object.metadata;
  if (deletionTimestamp === undefined) {
    const seconds = kind.gracePeriod(object, asked);
    return {
      seconds,
      object: marked(object, {
        deletionTimestamp: kubeTime(now + seconds * 1000),
        deletionGracePeriodSeconds: seconds,
        generation: generation === undefined ? undefined : generation + 1,
      }),
    };
  }
  if (granted === undefined || granted === 0) return "none";
  if (asked === undefined || asked >= granted) return "pending";
  return {
    seconds: asked,
    object: marked(object, {
      deletionTimestamp: kubeTime(millisOf(deletionTimestamp) + (asked - granted) * 1000),
      deletionGracePeriodSeconds: asked,
    }),
  };
};

/** An object without grace that waits for its finalizers (store.go markAsDeleting). */
const markedAsDeleting = (object: KubeObject, now: number): KubeObject => {
  const { deletionTimestamp, deletionGracePeriodSeconds, generation } = object.metadata;
  const isFirst = deletionGracePeriodSeconds === undefined && generation !== undefined;
  const isDue = deletionTimestamp !== undefined && millisOf(deletionTimestamp) <= now;
  return marked(object, {
    deletionTimestamp: isDue ? deletionTimestamp : kubeTime(now),
    deletionGracePeriodSeconds: 0,
    generation: isFirst ? generation + 1 : generation,
  });
};

const success = (kind: Kind, object: KubeObject): object => {
  const { group, plural } = kind.resource;
  const { name, uid } = object.metadata;
  return own({
    kind: "Status",
    apiVersion: "v1",
    metadata: own({}),
    status: "Success",
    details: own({ name, ...(group === "" ? {} : { group }), kind: plural, uid }),
  });
};

/** Marks and removes one object, one commit each, unless it is a dry run. */
class Deletion {
  readonly #context: WriteContext;
  readonly #isDryRun: boolean;
  object: KubeObject;

  constructor(context: WriteContext, object: KubeObject, isDryRun: boolean) {
    this.#context = context;
    this.object = object;
    this.#isDryRun = isDryRun;
  }

  get #origin() {
    const { actor, sentAt, request } = this.#context;
    return request.subresource === "eviction"
      ? ({ actor, sentAt, verb: "evict", subresource: "eviction" } as const)
      : ({ actor, sentAt, verb: "delete" } as const);
  }

  mark(next: KubeObject): void {
    const before = this.object;
    if (sameJson(before, next)) return;
    const { store, shelf } = this.#context;
    this.object = this.#isDryRun
      ? next
      : store.commit(shelf, { ...this.#origin, before, after: next }, next);
  }

  remove(): void {
    if (this.#isDryRun) return;
    const before = this.object;
    const { store, shelf } = this.#context;
    this.object = store.commit(shelf, { ...this.#origin, before }, before);
  }
}

/** DELETE: what of an object is left after it (`removeObject`), where nothing speaks against it. */
export const deleteObject = (context: WriteContext, options: unknown): Deleted => {
  const { shelf, request } = context;
  const { kind, table } = shelf;
  const name = request.name ?? "";
  const found = table.get({ namespace: request.namespace, name });
  if (found === undefined) return Result.fail(notFound(kind.resource, name));
  const asked = deleteOptions(options, request.query?.dryRun === true);
  const refused = unmet(kind, found, asked) ?? context.admit(kind.complete(found));
  return refused === undefined
    ? Result.succeed(removeObject(context, found, asked))
    : Result.fail(refused);
};

/**
 * Removes an object, or marks it and leaves the rest to whoever finalizes it or lets it end. Answers with the object, or
 * with a Status once it is gone.
 */
export const removeObject = (
  context: WriteContext,
  object: KubeObject,
  asked: DeleteOptions,
): object => {
  const { shelf, store } = context;
  const { kind } = shelf;
  const deletion = new Deletion(context, object, asked.dryRun);
  const graceful = gracefully(kind, object, asked.gracePeriodSeconds, store.now);
  if (graceful === "pending") return kind.complete(object);
  const finalizers = propagationFinalizers(kind, object, asked);
  const basis = graceful === "none" ? object : graceful.object;
  const next = sameJson(finalizers, object.metadata.finalizers ?? [])
    ? basis
    : marked(basis, { finalizers: finalizers.length === 0 ? undefined : own([...finalizers]) });
  if (finalizers.length > 0 && graceful === "none") {
    deletion.mark(markedAsDeleting(next, store.now));
    return kind.complete(deletion.object);
  }
  // Without grace and finalizers nothing is marked: the object just goes.
  if (graceful !== "none") deletion.mark(next);
  if (finalizers.length > 0 || (graceful !== "none" && graceful.seconds > 0)) {
    return kind.complete(deletion.object);
  }
  deletion.remove();
  return kind.returnsDeleted ? kind.complete(deletion.object) : success(kind, deletion.object);
};
