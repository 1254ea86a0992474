/** The lower level of the Kubernetes API: JSON in, JSON or a Status out. Live, fake and every decorator are layers of this. */
import { Context, type Effect, type Stream } from "effect";
import type { Resource } from "../domain/kube/resource.ts";
import type { KubeError } from "./KubeError.ts";

export type PatchType =
  | "application/merge-patch+json"
  | "application/json-patch+json"
  | "application/strategic-merge-patch+json"
  | "application/apply-patch+yaml";

/** Query parameters by their names in the Kubernetes API. */
export interface KubeQuery {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly fieldManager?: string | undefined;
  readonly force?: boolean | undefined;
  readonly fieldValidation?: "Ignore" | "Warn" | "Strict" | undefined;
}

/** One request that is answered once. For `delete`, `body` is a `DeleteOptions`. */
export interface KubeRequest {
  readonly verb: "get" | "list" | "create" | "update" | "patch" | "delete";
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: "status" | "eviction" | "binding" | undefined;
  readonly body?: unknown;
  readonly patchType?: PatchType | undefined;
  readonly query?: KubeQuery | undefined;
}

/** A request that is answered by a stream of frames. Without `namespace`: all namespaces. */
export interface WatchRequest {
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Frames after this version; absent or `"0"`: synthetic ADDED frames of what exists first. */
  readonly resourceVersion?: string | undefined;
  readonly allowWatchBookmarks?: boolean | undefined;
  readonly timeoutSeconds?: number | undefined;
}

/** A watch frame that carries an object; `ERROR` frames arrive as failures of the stream. */
export interface WatchFrame {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: unknown;
}

/**
 * Sends requests to an API server. A watch tells three ends apart: it fails with `Expired` when its version is too
 * old (list again), fails with another error when something broke, and ends when the server closed it cleanly.
 */
export class KubeTransport extends Context.Service<
  KubeTransport,
  {
    readonly request: (request: KubeRequest) => Effect.Effect<unknown, KubeError>;
    readonly watch: (request: WatchRequest) => Stream.Stream<WatchFrame, KubeError>;
  }
>()("nodeop/services/KubeTransport") {}
