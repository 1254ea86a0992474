/** The API requests that Kubernetes' own components make, as JSON over the raw transport. */
import { Effect, Schedule } from "effect";
import type { KubeObject, NewKubeObject, ObjectMeta } from "../../domain/kube/object.ts";
import type { Resource } from "../../domain/kube/resource.ts";
import type { KubeError } from "../KubeError.ts";
import { type KubeRequest, KubeTransport } from "../KubeTransport.ts";
import { kubeObject } from "./json.ts";

/** Names a stored object and tells it from others of its name. */
type Stored = { readonly metadata: Pick<ObjectMeta, "name" | "uid"> & Partial<ObjectMeta> };

const send = (request: KubeRequest): Effect.Effect<unknown, KubeError, KubeTransport> =>
  Effect.flatMap(KubeTransport, (transport) => transport.request(request));

/** What a server answers to anything but a list or a delete is the object; these models trust it. */
const sendForObject = (request: KubeRequest): Effect.Effect<KubeObject, KubeError, KubeTransport> =>
  Effect.map(send(request), kubeObject);

export const getObject = (resource: Resource, namespace: string | undefined, name: string) =>
  sendForObject({ verb: "get", resource, namespace, name });

export const createObject = (resource: Resource, body: NewKubeObject) =>
  sendForObject({ verb: "create", resource, namespace: body.metadata.namespace, body });

/** Merge-patches an object of this very uid; another object of its name answers `Conflict`. */
export const patchObject = (
  resource: Resource,
  { metadata: { namespace, name, uid } }: Stored,
  patch: { readonly metadata?: object; readonly [field: string]: unknown },
  subresource?: "status",
) =>
  sendForObject({
    verb: "patch",
    resource,
    namespace,
    name,
    subresource,
    patchType: "application/merge-patch+json",
    body: { ...patch, metadata: { ...patch.metadata, uid } },
  });

/** Replaces the status of an object in the version that was read. */
export const updateStatus = (resource: Resource, body: KubeObject) => {
  const { namespace, name } = body.metadata;
  return sendForObject({ verb: "update", resource, namespace, name, subresource: "status", body });
};

/** Deletes an object of this very uid. */
export const deleteObject = (
  resource: Resource,
  { metadata: { namespace, name, uid } }: Stored,
  options: {
    readonly gracePeriodSeconds?: number;
    readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
  } = {},
) => {
  const body = {
    kind: "DeleteOptions",
    apiVersion: "v1",
    propagationPolicy: "Background",
    ...options,
    preconditions: { uid },
  };
  return Effect.asVoid(send({ verb: "delete", resource, namespace, name, body }));
};

/** Whether a request may succeed when it is simply repeated later. */
export const isTransient = (error: KubeError): boolean =>
  error._tag === "TooManyRequests" || error._tag === "Unavailable" || error._tag === "Unreachable";

/** 200 ms doubling to 10 s, ±20 %. */
const patience = Schedule.min([
  Schedule.exponential("200 millis"),
  Schedule.spaced("10 seconds"),
]).pipe(Schedule.jittered);

/** Repeats a request for as long as it fails for reasons that pass. */
export const whileTransient = <A, R>(
  request: Effect.Effect<A, KubeError, R>,
): Effect.Effect<A, KubeError, R> =>
  Effect.retry(request, { schedule: patience, while: isTransient });

/** Whether the object is gone, or another of its name is there: who wanted to change it has nothing to do any more. */
export const isGone = (error: KubeError): boolean =>
  error._tag === "NotFound" || error._tag === "Conflict";
