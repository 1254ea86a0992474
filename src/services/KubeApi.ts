/** The upper level of the Kubernetes API: typed objects, made from any `KubeTransport`. Programs use only this. */
import { Context, type Effect, type Exit, type Stream } from "effect";
import type { ObjectRef } from "../domain/kube/object.ts";
import type { Resource } from "../domain/kube/resource.ts";
import type { KubeError, Undecodable } from "./KubeError.ts";
import type { PatchType } from "./KubeTransport.ts";

/**
 * A resource together with how its JSON becomes a value of type `A`. Decoding may project: what the type does not
 * name is dropped, so caches hold only what is used. `decode` is memoised by object identity; its answer is an `Exit`,
 * which is an Effect that is already done. Made by `typed` and `typedWith` (typed.ts).
 */
export interface TypedResource<A> {
  readonly resource: Resource;
  readonly decode: (json: unknown) => Exit.Exit<A, Undecodable>;
}

/**
 * An object of a list or a watch that is not what its type says. It never stops the others: lists return it beside
 * their items, watches deliver it as an event. What of its metadata could be read is given.
 */
export interface UndecodableObject {
  readonly ref: ObjectRef | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly error: Undecodable;
}

/** One change seen by a watch. An undecodable object may have been applied or, when `deleted`, removed. */
export type WatchEvent<A> =
  | { readonly type: "Applied"; readonly object: A }
  | { readonly type: "Deleted"; readonly object: A }
  | { readonly type: "Bookmark"; readonly resourceVersion: string }
  | ({ readonly type: "Undecodable"; readonly deleted: boolean } & UndecodableObject);

/** Everything that a selection matched at one version of the store. */
export interface ObjectList<A> {
  readonly items: ReadonlyArray<A>;
  /** Where a watch continues. */
  readonly resourceVersion: string;
  readonly undecodable: ReadonlyArray<UndecodableObject>;
}

/** Which objects of a resource; without `namespace`: of all namespaces. */
export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** What must hold of the stored object for a delete to happen; else `Conflict`. */
export interface Preconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

export interface DeleteOptions {
  readonly preconditions?: Preconditions | undefined;
  readonly propagationPolicy: "Background" | "Foreground" | "Orphan";
  readonly gracePeriodSeconds?: number | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface WriteOptions {
  readonly subresource?: "status" | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface PatchOptions extends WriteOptions {
  /** Default: JSON merge patch, RFC 7386. */
  readonly type?: PatchType | undefined;
  readonly fieldManager?: string | undefined;
  readonly force?: boolean | undefined;
}

/** Everything that can go wrong with a typed request. */
export type ApiError = KubeError | Undecodable;

/**
 * What programs ask of a Kubernetes API server. Answers are decoded views; what cannot be decoded fails with `Undecodable`,
 * what the server says no to with one of `KubeError`, by the reason of its Status.
 */
export class KubeApi extends Context.Service<
  KubeApi,
  {
    readonly get: <A>(of: TypedResource<A>, ref: ObjectRef) => Effect.Effect<A, ApiError>;
    /** Lists everything as it is now (a consistent read), in pages of `limit` objects, 500 when absent. */
    readonly list: <A>(
      of: TypedResource<A>,
      selection?: Selection & { readonly limit?: number },
    ) => Effect.Effect<ObjectList<A>, ApiError>;
    /**
     * What changed after `resourceVersion`, in order. Fails with `Expired` when it must be listed again, with another
     * error when it broke; ends when closed cleanly, which the server does after `timeoutSeconds` or a time of its own.
     */
    readonly watch: <A>(
      of: TypedResource<A>,
      selection: Selection & { readonly resourceVersion: string; readonly timeoutSeconds?: number },
    ) => Stream.Stream<WatchEvent<A>, ApiError>;
    readonly create: <A>(
      of: TypedResource<A>,
      object: object,
      options?: { readonly dryRun?: boolean },
    ) => Effect.Effect<A, ApiError>;
    readonly replace: <A>(
      of: TypedResource<A>,
      object: object,
      options?: WriteOptions,
    ) => Effect.Effect<A, ApiError>;
    readonly replaceStatus: <A>(
      of: TypedResource<A>,
      object: object,
      options?: { readonly dryRun?: boolean },
    ) => Effect.Effect<A, ApiError>;
    readonly patch: <A>(
      of: TypedResource<A>,
      ref: ObjectRef,
      patch: unknown,
      options?: PatchOptions,
    ) => Effect.Effect<A, ApiError>;
    readonly delete: (
      of: { readonly resource: Resource },
      ref: ObjectRef,
      options: DeleteOptions,
    ) => Effect.Effect<void, ApiError>;
    /** Asks the Eviction API (policy/v1) to remove a Pod as disruption budgets allow. */
    readonly evict: (
      ref: ObjectRef,
      options?: {
        readonly preconditions?: Preconditions;
        readonly gracePeriodSeconds?: number;
        readonly dryRun?: boolean;
      },
    ) => Effect.Effect<void, ApiError>;
  }
>()("nodeop/services/KubeApi") {}
