/**
 * An API server as the simulated network sees it: requests in, answers out, at once and without Effect. `FakeCluster`
 * is one; `SimTransport` carries requests to it and answers back.
 */
import type { KubeRequest, WatchFrame, WatchRequest } from "./KubeTransport.ts";

/** One machine-readable reason inside a Status, e.g. the field that is invalid (`metav1.StatusCause`). */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** The body of every failed request (`metav1.Status`, Kubernetes API conventions, "Response Status Kind"). */
export interface StatusBody {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly status: "Failure";
  /** `NotFound`, `AlreadyExists`, `Conflict`, `Expired`, `Invalid`, … */
  readonly reason: string;
  /** The HTTP status code. */
  readonly code: number;
  readonly message: string;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly uid?: string;
    readonly causes?: ReadonlyArray<StatusCause>;
    readonly retryAfterSeconds?: number;
  };
}

/** What a request is answered with: an object (or list, or success Status), or the Status that says why not. */
export type Answer =
  | { readonly ok: true; readonly object: unknown }
  | { readonly ok: false; readonly status: StatusBody };

/** Where the frames of one watch go. Called synchronously by the server, never again after `closed`. */
export interface WatchSink {
  /** The frames of one commit (or the initial list), in order; never empty. */
  readonly frames: (frames: ReadonlyArray<WatchFrame>) => void;
  /** The server ended the watch: cleanly, or with the Status of an `ERROR` frame. */
  readonly closed: (end: StatusBody | undefined) => void;
}

/** A watch that the server accepted. */
export interface OpenWatch {
  /** The client hangs up: nothing reaches the sink from here on, `closed` neither. Calling it again does nothing. */
  readonly close: () => void;
}

export interface ApiServer {
  /**
   * Applies one request now. `actor` is who asks (RBAC, history); `sentAt`, in milliseconds of the server's clock, is
   * when it was sent: earlier than now when the network held it back. Default: now.
   */
  readonly handle: (actor: string, request: KubeRequest, sentAt?: number) => Answer;
  /** Opens a watch. The sink may be called before this returns (the initial frames). */
  readonly watch: (actor: string, request: WatchRequest, sink: WatchSink) => OpenWatch | StatusBody;
}
