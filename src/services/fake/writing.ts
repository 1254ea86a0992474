/** Creation and update of objects: the order of checks of the real server (registry/generic/registry/store.go, rest/*.go). */
import { Result } from "effect";
import type { CommitVerb } from "../../domain/history.ts";
import { type KubeObject, kubeTime, type ObjectMeta } from "../../domain/kube/object.ts";
import type { StatusBody } from "../ApiServer.ts";
import type { KubeRequest } from "../KubeTransport.ts";
import { refusedCreation } from "./admission/admission.ts";
import { type FieldError, invalid as invalidField } from "./fieldError.ts";
import { decodeObject } from "./decoding.ts";
import { generateName, newUid } from "./identity.ts";
import { adopt, field, isObject, reuse, sameJson, withFields } from "./json.ts";
import { asStored, type Draft, type Kind, withMeta } from "./kinds/Kind.ts";
import { metadataErrors, metadataUpdateErrors } from "./metadata.ts";
import { applyPatch } from "./patch/patch.ts";
import {
  alreadyExists,
  badRequest,
  conflict,
  internalError,
  invalid,
  notFound,
  OPTIMISTIC_LOCK,
  versionRequired,
} from "./status.ts";
import type { Shelf, Store } from "./Store.ts";

type Written = Result.Result<KubeObject, StatusBody>;

/** One write request and what is needed to carry it out. */
export interface WriteContext {
  readonly store: Store;
  readonly shelf: Shelf;
  readonly actor: string;
  readonly request: KubeRequest;
  readonly sentAt: number;
  readonly chance: () => number;
  /** The admission hooks: a Status refuses the object. */
  readonly admit: (object: KubeObject) => StatusBody | undefined;
}

const NAME_ATTEMPTS = 8;

const isDryRun = (request: KubeRequest): boolean => request.query?.dryRun === true;

const refusal = (kind: Kind, draft: Draft, errors: ReadonlyArray<FieldError>): StatusBody => {
  const written = draft["kind"];
  const called = typeof written === "string" ? written : kind.resource.kind;
  const { resource, refusedAs: group = resource.group } = kind;
  return invalid({ ...resource, group, kind: called }, draft.metadata.name ?? "", errors);
};

/** A name that is free, from its prefix; after a few taken ones the last is tried anyway and collides. */
const freeName = (prefix: string, { chance, shelf, request }: WriteContext): string => {
  let name = generateName(prefix, chance);
  for (let attempt = 1; attempt < NAME_ATTEMPTS; attempt++) {
    if (shelf.table.get({ namespace: request.namespace, name }) === undefined) break;
    name = generateName(prefix, chance);
  }
  return name;
};

/** The metadata that only the server sets, on creation. */
const born = (draft: Draft, context: WriteContext): Draft => {
  const { name, generateName: prefix } = draft.metadata;
  const metadata = withMeta(draft.metadata, {
    name: name ?? (prefix === undefined ? undefined : freeName(prefix, context)),
    uid: newUid(context.chance),
    creationTimestamp: kubeTime(context.store.now),
    generation: context.shelf.kind.hasGeneration ? 1 : undefined,
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
  });
  return withFields(draft, { metadata });
};

/** POST: stores a new object. */
export const createObject = (context: WriteContext): Written => {
  const { shelf, request } = context;
  const { kind, table } = shelf;
  const decoded = decodeObject(adopt(request.body), kind, request);
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure);
  // Completed before, so that the server derives from complete objects, and after, because it takes things away.
  const prepared = kind.complete(kind.prepareCreate(kind.complete(born(decoded.success, context))));
  const errors = [...metadataErrors(prepared.metadata, kind), ...kind.validateCreate(prepared)];
  if (errors.length > 0) return Result.fail(refusal(kind, prepared, errors));
  const object = asStored(prepared);
  const refused = refusedCreation(context, object);
  if (refused !== undefined) return Result.fail(refused);
  if (prepared.metadata.resourceVersion !== undefined) {
    return Result.fail(internalError("resourceVersion should not be set on objects to be created"));
  }
  const { name } = object.metadata;
  const taken = table.get({ namespace: request.namespace, name });
  if (taken !== undefined) {
    const isLeaving = taken.metadata.deletionTimestamp !== undefined;
    return Result.fail(alreadyExists(kind.resource, name, isLeaving));
  }
  return Result.succeed(keep(context, undefined, object));
};

/** Commits, unless it is a dry run, what the request made of `before`. */
const keep = (
  { store, shelf, actor, request, sentAt }: WriteContext,
  before: KubeObject | undefined,
  after: KubeObject,
): KubeObject => {
  if (isDryRun(request)) return after;
  const verb: CommitVerb =
    request.verb === "patch" || request.verb === "update" ? request.verb : "create";
  const { subresource } = request;
  const origin = { actor, sentAt, verb, ...(subresource === undefined ? {} : { subresource }) };
  const change = before === undefined ? { ...origin, after } : { ...origin, before, after };
  return shelf.kind.complete(store.commit(shelf, change, after));
};

/** PUT and PATCH, of the main resource or its status. */
export const updateObject = (context: WriteContext): Written => {
  const { shelf, request } = context;
  const { kind, table } = shelf;
  const name = request.name ?? "";
  const stored = table.get({ namespace: request.namespace, name });
  if (stored === undefined) return Result.fail(notFound(kind.resource, name));
  const old = kind.complete(stored);
  const draft = request.verb === "patch" ? patched(old, context) : replacement(old, context);
  if (Result.isFailure(draft)) return Result.fail(draft.failure);
  const stale = staleness(draft.success, old, context);
  if (stale !== undefined) return Result.fail(stale);
  return change(context, stored, old, draft.success);
};

const replacement = (old: KubeObject, context: WriteContext): Result.Result<Draft, StatusBody> => {
  const body = reuse(old, adopt(context.request.body));
  const { name } = context.request;
  if (isObject(body) && (field(body["metadata"], "name") ?? "") === "") {
    return Result.fail(
      badRequest(
        `the name of the object (${name ?? ""} based on URL) was undeterminable: name must be provided`,
      ),
    );
  }
  return named(decodeObject(body, context.shelf.kind, context.request), context);
};

const patched = (old: KubeObject, context: WriteContext): Result.Result<Draft, StatusBody> => {
  const { request, shelf } = context;
  const result = applyPatch(old, request, shelf.kind.custom);
  if (Result.isFailure(result)) return Result.fail(result.failure);
  return named(decodeObject(result.success, shelf.kind, request), context);
};

/** The object must be the one that the URL names. */
const named = (
  draft: Result.Result<Draft, StatusBody>,
  { request }: WriteContext,
): Result.Result<Draft, StatusBody> => {
  if (Result.isFailure(draft)) return draft;
  const { name } = draft.success.metadata;
  return name === request.name
    ? draft
    : Result.fail(
        badRequest(
          `the name of the object (${name ?? ""}) does not match the name on the URL (${request.name ?? ""})`,
        ),
      );
};

/** Why the write was meant for another object or another version of it. */
const staleness = (
  draft: Draft,
  old: KubeObject,
  { shelf, request }: WriteContext,
): StatusBody | undefined => {
  const { resource, unconditionalUpdate } = shelf.kind;
  const { uid, resourceVersion } = draft.metadata;
  const { name } = old.metadata;
  if (request.verb === "update" && uid !== undefined && uid !== old.metadata.uid) {
    return conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
    );
  }
  // Zero stands for none (storage.Versioner).
  if (resourceVersion === undefined || resourceVersion === "0") {
    if (unconditionalUpdate) return undefined;
    const error = invalidField("metadata.resourceVersion", 0, "must be specified for an update");
    return versionRequired(resource, name, error);
  }
  if (!/^\d+$/u.test(resourceVersion)) {
    const quoted = JSON.stringify(resourceVersion);
    return internalError(`strconv.ParseUint: parsing ${quoted}: invalid syntax`);
  }
  return resourceVersion === old.metadata.resourceVersion
    ? undefined
    : conflict(resource, name, OPTIMISTIC_LOCK);
};

/** What the client may not change about metadata is put back, except where trying to is a mistake worth telling. */
const settled = (draft: Draft, old: ObjectMeta): Draft => {
  const given = draft.metadata;
  if (given === old) return draft;
  const metadata = withMeta(given, {
    uid: given.uid ?? old.uid,
    creationTimestamp: old.creationTimestamp,
    generation: old.generation,
    resourceVersion: old.resourceVersion,
    deletionTimestamp: given.deletionTimestamp ?? old.deletionTimestamp,
    deletionGracePeriodSeconds: given.deletionGracePeriodSeconds ?? old.deletionGracePeriodSeconds,
  });
  return sameJson(metadata, old)
    ? withFields(draft, { metadata: old })
    : withFields(draft, { metadata });
};

const counted = (draft: Draft, old: KubeObject, kind: Kind): Draft =>
  kind.hasGeneration && kind.advancesGeneration(draft, old)
    ? withFields(draft, {
        metadata: withMeta(draft.metadata, { generation: (old.metadata.generation ?? 0) + 1 }),
      })
    : draft;

/** An object that was only waiting for its last finalizer goes with the update that removes it. */
const isGone = ({ metadata }: Draft): boolean =>
  metadata.deletionTimestamp !== undefined &&
  (metadata.deletionGracePeriodSeconds ?? 0) === 0 &&
  (metadata.finalizers ?? []).length === 0;

const change = (
  context: WriteContext,
  stored: KubeObject,
  old: KubeObject,
  draft: Draft,
): Written => {
  const { shelf, request, actor, sentAt } = context;
  const { kind } = shelf;
  const isStatus = request.subresource === "status";
  const complete = kind.complete(draft);
  const prepared = isStatus ? kind.prepareStatus(complete, old) : kind.prepareUpdate(complete, old);
  const next = counted(settled(kind.complete(prepared), old.metadata), old, kind);
  const errors = [
    ...(next.metadata === old.metadata
      ? []
      : [
          ...metadataUpdateErrors(next.metadata, old.metadata),
          ...metadataErrors(next.metadata, kind),
        ]),
    ...(isStatus ? kind.validateStatus(next, old) : kind.validateUpdate(next, old)),
  ];
  if (errors.length > 0) return Result.fail(refusal(kind, next, errors));
  const object = asStored(next);
  const refused = context.admit(object);
  if (refused !== undefined) return Result.fail(refused);
  if (isGone(next)) {
    if (!isDryRun(request)) {
      context.store.commit(shelf, { actor, sentAt, verb: "delete", before: stored }, stored);
    }
    return Result.succeed(object);
  }
  // Equal to what is stored: nothing happens, nobody is told (etcd3/store.go).
  return Result.succeed(sameJson(object, stored) ? old : keep(context, stored, object));
};
