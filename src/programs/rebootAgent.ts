/**
 * The reboot agent: the container of the reboot Pod (design.md §4 "Reboot agent"). It waits for the operator's grant and
 * for the sentinel of the granted Job, records the reboot in an annotation on its own Pod, reboots the host, and after
 * the reboot, restarted by the kubelet, reports what the host came back as. Started again at any point it goes on rightly:
 * everything it knows is on its Pod and on its host.
 */
import { Clock, Duration, Effect, Option, Stream } from "effect";
import { objectKey, type ObjectRef } from "../domain/kube/object.ts";
import { isTerminating, type Pod } from "../domain/kube/pod.ts";
import { Pods } from "../domain/kube/resource.ts";
import {
  grantOf,
  rebootAnnotations,
  rebootStateOf,
  type RebootAttempt,
  type RebootState,
} from "../domain/rollout/report.ts";
import { Pod as PodView } from "../domain/kube/pod.ts";
import { patience } from "../services/backoff.ts";
import { Host, type HostError } from "../services/Host.ts";
import { type ApiError, KubeApi } from "../services/KubeApi.ts";
import { typed } from "../services/typed.ts";

/** How long an issued reboot may take to bring the host down before it counts as having failed. */
const STILL_UP_MINUTES = 5;
const STILL_UP = Duration.minutes(STILL_UP_MINUTES);
const ATTEMPTS_MAX = 3;

/** The server is asked to end a watch after this long; one that goes on much longer is half-open. */
const WATCH_SECONDS = 300;
const WATCH_OVERTIME_SECONDS = 30;

const PodResource = typed(Pods, PodView);

/** The agent's own Pod, as its environment names it. A later Pod of the same name has another uid, and an agent of its own. */
export interface OwnPod extends ObjectRef {
  readonly uid: string;
}

/** What one look at Pod and host came to. */
type Turn = "finished" | "again";

/**
 * Runs the agent of the Pod `self` until there is nothing more for it to do, which it tells by exit code 0: the kubelet
 * restarts a Pod with restartPolicy OnFailure after every other one. Interruption (SIGTERM) must not exit 0.
 */
export const rebootAgent = (self: OwnPod): Effect.Effect<0, never, KubeApi | Host> =>
  turn(self).pipe(
    Effect.tapError((error) =>
      Effect.annotateLogs(Effect.logWarning("reboot agent has to try again"), {
        pod: objectKey(self),
        error: error.message,
      }),
    ),
    // Errors are waited out for ever: giving up would leave the node between two systems.
    Effect.retry(patience),
    Effect.repeat({ until: (outcome) => outcome === "finished" }),
    Effect.orDie,
    Effect.as(0 as const),
  );

/** One look: what the Pod says, what the host says, and the one step that follows. */
const turn = Effect.fnUntraced(function* (
  self: OwnPod,
): Effect.fn.Return<Turn, ApiError | HostError, KubeApi | Host> {
  const host = yield* Host;
  const pod = yield* awaitGrant(self);
  if (pod === undefined) return "finished";
  const job = grantOf(pod)!;
  const scriptEndedIn = yield* host.awaitSentinel(job);
  const now = yield* host.bootID;
  const state = rebootStateOf(pod);
  // A record was only made in the boot in which the script ended: any other boot is the one after the reboot.
  const toEnd = state._tag === "Rebooting" ? state.bootID : scriptEndedIn;
  if (toEnd !== now) return yield* report(self, pod, job, { from: toEnd, to: now });
  return yield* reboot(self, pod, now, state._tag === "Rebooting" ? state : undefined);
});

/** The Pod once it is granted a reboot; undefined when there is nothing to do for it any more. */
const awaitGrant = Effect.fnUntraced(function* (
  self: OwnPod,
): Effect.fn.Return<Pod | undefined, ApiError, KubeApi> {
  const api = yield* KubeApi;
  for (;;) {
    const pod = yield* Effect.catchTag(
      api.get(PodResource, self),
      "NotFound",
      () => Effect.undefined,
    );
    if (pod === undefined || pod.metadata.uid !== self.uid) return undefined;
    if (isTerminating(pod) || isSettled(rebootStateOf(pod))) return undefined;
    if (grantOf(pod) !== undefined) return pod;
    yield* changeOf(self, pod);
  }
});

const isSettled = (state: RebootState): boolean =>
  state._tag === "Completed" || state._tag === "Failed";

/**
 * Completes when the Pod has changed, or when that can no longer be told and it must be read again. A connection whose other
 * end lost its power says nothing for ever: so the watch has an end, and one that brings nothing is not tried again at once.
 */
const changeOf = Effect.fnUntraced(function* (self: OwnPod, pod: Pod) {
  const api = yield* KubeApi;
  const changes = yield* api
    .watch(PodResource, {
      namespace: self.namespace,
      fieldSelector: `metadata.name=${self.name}`,
      resourceVersion: pod.metadata.resourceVersion,
      timeoutSeconds: WATCH_SECONDS,
    })
    .pipe(
      Stream.filter((event) => event.type !== "Bookmark"),
      Stream.take(1),
      Stream.runCount,
      Effect.catchTag("Expired", () => Effect.succeed(0)),
      Effect.timeoutOption(Duration.seconds(WATCH_SECONDS + WATCH_OVERTIME_SECONDS)),
    );
  if (Option.getOrElse(changes, () => 0) === 0) yield* Effect.sleep("1 second");
});

/** Still in the boot that is to end: record the attempt, and only when that is stored, reboot. */
const reboot = Effect.fnUntraced(function* (
  self: OwnPod,
  pod: Pod,
  bootID: string,
  last: RebootAttempt | undefined,
): Effect.fn.Return<Turn, ApiError | HostError, KubeApi | Host> {
  const host = yield* Host;
  if (last !== undefined) yield* waitOut(last);
  if (last !== undefined && last.attempt >= ATTEMPTS_MAX) return yield* giveUp(self, pod, bootID);
  const attempt = (last?.attempt ?? 0) + 1;
  const attemptedAt = yield* Clock.currentTimeMillis;
  const stored = yield* record(self, pod, { _tag: "Rebooting", bootID, attempt, attemptedAt });
  if (stored === undefined || isTerminating(stored)) return "again";
  // A command that fails is an attempt like one that silently does nothing.
  yield* Effect.catch(host.reboot, (error) =>
    Effect.annotateLogs(Effect.logError("the reboot command failed"), { error: error.message }),
  );
  yield* Effect.sleep(STILL_UP);
  return "again";
});

/**
 * What is left of the last attempt's time: it may have been issued just before this container was restarted. A clock that
 * was set back in between must not make it longer.
 */
const waitOut = Effect.fnUntraced(function* ({ attemptedAt }: RebootAttempt) {
  const passed = (yield* Clock.currentTimeMillis) - attemptedAt;
  const all = Duration.toMillis(STILL_UP);
  yield* Effect.sleep(Math.min(all, Math.max(0, all - passed)));
});

/** The host is still up although the last reboot had its time: the operator is told. */
const giveUp = Effect.fnUntraced(function* (self: OwnPod, pod: Pod, bootID: string) {
  const stored = yield* record(self, pod, {
    _tag: "Failed",
    message: `the node is still up in boot ${bootID}, ${STILL_UP_MINUTES} minutes after the last of ${ATTEMPTS_MAX} reboot commands`,
  });
  return stored === undefined ? "again" : "finished";
});

/** In another boot: report it, and take away the sentinels of earlier Jobs. */
const report = Effect.fnUntraced(function* (
  self: OwnPod,
  pod: Pod,
  job: string,
  boots: { readonly from: string; readonly to: string },
): Effect.fn.Return<Turn, ApiError | HostError, KubeApi | Host> {
  const host = yield* Host;
  const { bootState, version } = yield* host.system;
  const stored = yield* record(self, pod, {
    _tag: "Completed",
    report: { ...boots, bootState, ...(version === undefined ? {} : { version }) },
  });
  if (stored === undefined) return "again";
  // Best effort: what is left over is of Jobs that nobody waits for.
  yield* Effect.catch(host.pruneSentinels(job), (error) =>
    Effect.annotateLogs(Effect.logWarning("old sentinels could not be removed"), {
      error: error.message,
    }),
  );
  return "finished";
});

/** Writes a state to the own Pod, if it is still the very version that was read; undefined when it is not. */
const record = Effect.fnUntraced(function* (
  self: OwnPod,
  pod: Pod,
  state: RebootState,
): Effect.fn.Return<Pod | undefined, ApiError, KubeApi> {
  const api = yield* KubeApi;
  const { uid, resourceVersion } = pod.metadata;
  return yield* api
    .patch(PodResource, self, {
      metadata: { uid, resourceVersion, annotations: rebootAnnotations(state) },
    })
    .pipe(Effect.catchTag(["NotFound", "Conflict"], () => Effect.undefined));
});
