/** Makes the typed `KubeApi` from any `KubeTransport`: requests, paging, watches and the decoding of every answer. */
import { Cause, Effect, Exit, Layer, Option, Predicate, Result, Stream } from "effect";
import { objectKey, type ObjectRef } from "../domain/kube/object.ts";
import { apiVersionOf, Pods, type Resource } from "../domain/kube/resource.ts";
import {
  type ApiError,
  type DeleteOptions,
  KubeApi,
  type ObjectList,
  type PatchOptions,
  type Preconditions,
  type Selection,
  type TypedResource,
  type UndecodableObject,
  type WatchEvent,
  type WriteOptions,
} from "./KubeApi.ts";
import { BadRequest, Expired, Undecodable } from "./KubeError.ts";
import { type KubeRequest, KubeTransport, type WatchFrame } from "./KubeTransport.ts";
import { continueOf, itemsOf, metadataOf } from "./metadata.ts";

/** Objects per page: client-go's default; the API server may return fewer. */
const PAGE_LIMIT_DEFAULT = 500;

/** Where a request for one object goes. Fails when the reference cannot name an object of the resource. */
const locate = (
  verb: string,
  resource: Resource,
  ref: { readonly namespace?: string | undefined; readonly name?: string | undefined },
): Effect.Effect<Pick<KubeRequest, "resource" | "namespace" | "name">, BadRequest> => {
  const missing = (field: string) =>
    new BadRequest({
      request: `${verb} ${resource.kind} ${ref.name ?? "without a name"}`,
      detail: `${field} is missing; set it`,
      code: 400,
    });
  if (resource.namespaced && (ref.namespace ?? "") === "")
    return Effect.fail(missing("metadata.namespace"));
  // A name may only be absent when an object is created: the server then generates it.
  if (verb !== "create" && (ref.name ?? "") === "") return Effect.fail(missing("metadata.name"));
  return Effect.succeed({
    resource,
    namespace: resource.namespaced ? ref.namespace : undefined,
    name: ref.name,
  });
};

/**
 * The object with its apiVersion and kind. The items of a list of a built-in resource come without them, and writers
 * may leave them out; an object that has them stays the same, by identity.
 */
const withKind = (resource: Resource, object: unknown): unknown =>
  typeof object !== "object" || object === null || "kind" in object
    ? object
    : { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };

/** Decodes one of many objects. One that does not decode is told apart from those that do; it never stops them. */
const decodeOne = <A>(of: TypedResource<A>, json: unknown): Result.Result<A, UndecodableObject> => {
  const decoded = of.decode(json);
  if (Exit.isSuccess(decoded)) return Result.succeed(decoded.value);
  const { ref, uid, resourceVersion } = metadataOf(json);
  const error = Option.getOrElse(
    Exit.findErrorOption(decoded),
    () =>
      new Undecodable({
        request: `decode ${of.resource.kind}${ref === undefined ? "" : ` ${objectKey(ref)}`}`,
        detail: Cause.pretty(decoded.cause),
      }),
  );
  return Result.fail({ ref, uid, resourceVersion, error });
};

const listRequest = (
  resource: Resource,
  selection: Selection & { readonly limit?: number },
  token: string | undefined,
): KubeRequest => ({
  verb: "list",
  resource,
  namespace: resource.namespaced ? selection.namespace : undefined,
  query: {
    labelSelector: selection.labelSelector,
    fieldSelector: selection.fieldSelector,
    limit: selection.limit ?? PAGE_LIMIT_DEFAULT,
    continue: token,
  },
});

/** All pages of one snapshot; `Expired` when the server no longer has it or its pages are not of the same one. */
const listPages = Effect.fnUntraced(function* <A>(
  transport: KubeTransport["Service"],
  of: TypedResource<A>,
  selection: Selection & { readonly limit?: number },
): Effect.fn.Return<ObjectList<A>, ApiError> {
  const request = `list ${of.resource.kind}`;
  const items: Array<A> = [];
  const undecodable: Array<UndecodableObject> = [];
  let version: string | undefined;
  let token: string | undefined;
  do {
    const page = yield* transport.request(listRequest(of.resource, selection, token));
    const objects = itemsOf(page);
    const { resourceVersion } = metadataOf(page);
    if (objects === undefined || resourceVersion === undefined) {
      const detail = "the answer is not a list with items and metadata.resourceVersion";
      return yield* new Undecodable({ request, detail });
    }
    version ??= resourceVersion;
    // "The resourceVersion of the list remains constant across each request" (Kubernetes API concepts, chunks). Where
    // it does not, what is missing from the pages may exist all the same: that is no list.
    if (resourceVersion !== version) {
      const detail = `its pages are of versions ${version} and ${resourceVersion}; list again`;
      return yield* new Expired({ request, detail });
    }
    for (const object of objects) {
      const decoded = decodeOne(of, withKind(of.resource, object));
      if (Result.isSuccess(decoded)) items.push(decoded.success);
      else undecodable.push(decoded.failure);
    }
    token = continueOf(page);
  } while (token !== undefined);
  return { items, resourceVersion: version, undecodable };
});

/** What a frame of a watch says. A bookmark without a version says nothing that could be used: undecodable. */
const eventOf = <A>(of: TypedResource<A>, frame: WatchFrame): WatchEvent<A> => {
  if (frame.type === "BOOKMARK") {
    const { resourceVersion } = metadataOf(frame.object);
    if (resourceVersion !== undefined) return { type: "Bookmark", resourceVersion };
    const error = new Undecodable({
      request: `watch ${of.resource.kind}`,
      detail: "a bookmark without metadata.resourceVersion",
    });
    return {
      type: "Undecodable",
      deleted: false,
      ref: undefined,
      uid: undefined,
      resourceVersion,
      error,
    };
  }
  const deleted = frame.type === "DELETED";
  const decoded = decodeOne(of, withKind(of.resource, frame.object));
  if (Result.isFailure(decoded)) return { type: "Undecodable", deleted, ...decoded.failure };
  return { type: deleted ? "Deleted" : "Applied", object: decoded.success };
};

/** The JSON body of a delete, or the `deleteOptions` of an eviction: only what was given. */
const preconditionsBody = (preconditions: Preconditions | undefined) =>
  preconditions === undefined ? {} : { preconditions: { ...preconditions } };

const deleteBody = (options: DeleteOptions) => ({
  apiVersion: "v1",
  kind: "DeleteOptions",
  // Always sent: a Job that is deleted without one orphans its Pods (Kubernetes' default for batch/v1).
  propagationPolicy: options.propagationPolicy,
  ...preconditionsBody(options.preconditions),
  ...(options.gracePeriodSeconds === undefined
    ? {}
    : { gracePeriodSeconds: options.gracePeriodSeconds }),
  // The API server ignores the query of a delete that has a body: a dry run must be asked for here as well.
  ...(options.dryRun === true ? { dryRun: ["All"] } : {}),
});

const evictionBody = (
  ref: ObjectRef,
  options: { readonly preconditions?: Preconditions; readonly gracePeriodSeconds?: number },
) => ({
  apiVersion: "policy/v1",
  kind: "Eviction",
  metadata: { name: ref.name, namespace: ref.namespace },
  deleteOptions: {
    ...preconditionsBody(options.preconditions),
    ...(options.gracePeriodSeconds === undefined
      ? {}
      : { gracePeriodSeconds: options.gracePeriodSeconds }),
  },
});

const make = (transport: KubeTransport["Service"]): KubeApi["Service"] => {
  const write = Effect.fnUntraced(function* <A>(
    of: TypedResource<A>,
    object: object,
    request: Pick<KubeRequest, "verb" | "subresource" | "query">,
  ) {
    const { ref, namespace } = metadataOf(object);
    const located = yield* locate(request.verb, of.resource, { namespace, name: ref?.name });
    // A new object is posted to its collection; its name is in the body.
    const where = request.verb === "create" ? { ...located, name: undefined } : located;
    const body = withKind(of.resource, object);
    return yield* of.decode(yield* transport.request({ ...where, ...request, body }));
  });
  const replace = <A>(of: TypedResource<A>, object: object, options: WriteOptions = {}) =>
    write(of, object, {
      verb: "update",
      subresource: options.subresource,
      query: { dryRun: options.dryRun },
    });

  return {
    get: Effect.fnUntraced(function* (of, ref) {
      const where = yield* locate("get", of.resource, ref);
      return yield* of.decode(yield* transport.request({ verb: "get", ...where }));
    }),
    list: (of, selection = {}) =>
      // A snapshot that expires while it is being read is read again from the start, once.
      Effect.retry(listPages(transport, of, selection), {
        times: 1,
        while: Predicate.isTagged("Expired"),
      }),
    watch: (of, selection) =>
      Stream.map(
        transport.watch({
          resource: of.resource,
          namespace: of.resource.namespaced ? selection.namespace : undefined,
          labelSelector: selection.labelSelector,
          fieldSelector: selection.fieldSelector,
          resourceVersion: selection.resourceVersion,
          timeoutSeconds: selection.timeoutSeconds,
          allowWatchBookmarks: true,
        }),
        (frame) => eventOf(of, frame),
      ),
    create: (of, object, options = {}) =>
      write(of, object, { verb: "create", query: { dryRun: options.dryRun } }),
    replace,
    replaceStatus: (of, object, options = {}) =>
      replace(of, object, { ...options, subresource: "status" }),
    patch: Effect.fnUntraced(function* (of, ref, patch, options: PatchOptions = {}) {
      const where = yield* locate("patch", of.resource, ref);
      const answer = yield* transport.request({
        verb: "patch",
        ...where,
        subresource: options.subresource,
        patchType: options.type ?? "application/merge-patch+json",
        query: {
          dryRun: options.dryRun,
          fieldManager: options.fieldManager,
          force: options.force,
        },
        body: patch,
      });
      return yield* of.decode(answer);
    }),
    delete: Effect.fnUntraced(function* (of, ref, options) {
      const where = yield* locate("delete", of.resource, ref);
      const query = { dryRun: options.dryRun };
      yield* transport.request({ verb: "delete", ...where, query, body: deleteBody(options) });
    }),
    evict: Effect.fnUntraced(function* (ref, options = {}) {
      const where = yield* locate("evict", Pods, ref);
      yield* transport.request({
        verb: "create",
        ...where,
        subresource: "eviction",
        query: { dryRun: options.dryRun },
        body: evictionBody(ref, options),
      });
    }),
  };
};

/** `KubeApi` over whichever transport is provided: the live one, the fake, or either behind decorators. */
export const kubeApiLayer: Layer.Layer<KubeApi, never, KubeTransport> = Layer.effect(
  KubeApi,
  Effect.map(KubeTransport, make),
);
