/** What nodeop uses of a Pod, and what it can tell from it. */
import { Schema } from "effect";
import { ViewMeta } from "./view.ts";

const Terminated = Schema.Struct({
  exitCode: Schema.Int,
  reason: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String),
});

const ContainerStatus = Schema.Struct({
  name: Schema.String,
  lastState: Schema.optionalKey(Schema.Struct({ terminated: Schema.optionalKey(Terminated) })),
  state: Schema.optionalKey(
    Schema.Struct({
      waiting: Schema.optionalKey(
        Schema.Struct({
          reason: Schema.optionalKey(Schema.String),
          message: Schema.optionalKey(Schema.String),
        }),
      ),
      terminated: Schema.optionalKey(Terminated),
    }),
  ),
});
interface ContainerStatus extends Schema.Schema.Type<typeof ContainerStatus> {}

/** A Pod reduced to what the rollout looks at; caches hold nothing else of it. */
export const Pod = Schema.Struct({
  metadata: ViewMeta,
  spec: Schema.optionalKey(Schema.Struct({ nodeName: Schema.optionalKey(Schema.String) })),
  status: Schema.optionalKey(
    Schema.Struct({
      phase: Schema.optionalKey(Schema.String),
      reason: Schema.optionalKey(Schema.String),
      message: Schema.optionalKey(Schema.String),
      initContainerStatuses: Schema.optionalKey(Schema.Array(ContainerStatus)),
      containerStatuses: Schema.optionalKey(Schema.Array(ContainerStatus)),
    }),
  ),
});
export interface Pod extends Schema.Schema.Type<typeof Pod> {}

/** The phases from which a Pod never returns. */
export const isTerminal = (pod: { readonly status?: { readonly phase?: string } }): boolean =>
  pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";

export const isRunning = (pod: Pod): boolean => pod.status?.phase === "Running";

export const isTerminating = (object: {
  readonly metadata: { readonly deletionTimestamp?: string };
}): boolean => object.metadata.deletionTimestamp !== undefined;

/** The statuses of init containers and containers, in the order in which they run. */
const statuses = (pod: Pod): ReadonlyArray<ContainerStatus> => [
  ...(pod.status?.initContainerStatuses ?? []),
  ...(pod.status?.containerStatuses ?? []),
];

/** How a container ended; undefined while it has not. */
export const terminationOf = (
  pod: Pod,
  container: string,
): { readonly exitCode: number; readonly reason?: string; readonly message?: string } | undefined =>
  statuses(pod).find((status) => status.name === container)?.state?.terminated;

/**
 * Whether the kubelet refused the Pod before any container existed (admission, node shutdown, eviction): phase Failed
 * without a container status. It says nothing about what the Pod was to find out.
 */
export const wasRefusedByKubelet = (pod: Pod): boolean =>
  pod.status?.phase === "Failed" &&
  pod.status.reason !== "DeadlineExceeded" &&
  statuses(pod).every((status) => status.state?.terminated === undefined);

/** Why the kubelet refused a Pod, in its words. */
export const kubeletRefusal = (pod: Pod): string =>
  `the kubelet refused Pod ${pod.metadata.name}: ${pod.status?.message ?? pod.status?.reason ?? "no reason given"}`;

const START_PROBLEMS = new Set([
  "CrashLoopBackOff",
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "CreateContainerConfigError",
  "CreateContainerError",
]);

/** Why a container of the Pod cannot start, in the kubelet's words; undefined when nothing is known to be wrong. */
export const startProblem = (
  pod: Pod,
): { readonly reason: string; readonly message: string } | undefined => {
  for (const status of statuses(pod)) {
    const waiting = status.state?.waiting;
    if (waiting?.reason !== undefined && START_PROBLEMS.has(waiting.reason))
      return {
        reason: waiting.reason === "ErrImagePull" ? "ImagePullBackOff" : waiting.reason,
        message: `container ${status.name}: ${startMessage(status)}`,
      };
  }
  return undefined;
};

/** A container that ends again and again is told by how it last ended, anything else in the kubelet's words. */
const startMessage = ({ state, lastState }: ContainerStatus): string => {
  const { reason, message } = state?.waiting ?? {};
  const last = lastState?.terminated;
  return reason === "CrashLoopBackOff" && last !== undefined
    ? `exits ${last.exitCode} again and again`
    : (message ?? reason ?? "waits");
};
