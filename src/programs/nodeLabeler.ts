/**
 * The node labeler: one on each node. It looks at its host, and keeps the labels and annotations of its Node true. What it
 * decides, it decides from a live read, and it patches only the version that it has read.
 */
import { type Duration, Effect, Schedule } from "effect";
import { describe } from "../domain/labeler/describe.ts";
import { label, LabelledNode } from "../domain/labeler/label.ts";
import { Nodes } from "../domain/kube/resource.ts";
import { patience } from "../services/backoff.ts";
import type { HostError } from "../services/Host.ts";
import { HostFiles } from "../services/HostFiles.ts";
import { type ApiError, KubeApi } from "../services/KubeApi.ts";
import { typed } from "../services/typed.ts";

const NodeResource = typed(Nodes, LabelledNode);

/** What one look at a host and its Node came to. */
export type Labelled = "NotKairos" | "OptedOut" | "UpToDate" | "Patched";

const SENTENCES: Readonly<Record<Labelled, string>> = {
  NotKairos: "not a Kairos node; left alone",
  OptedOut: "the node is labelled kairos.io/managed=false; left alone",
  UpToDate: "labels and annotations are up to date",
  Patched: "labels and annotations were changed",
};

/** How often a single run tries again; with `patience` this is about half a minute. */
const RETRIES_ONCE = 6;

/** Looks once and patches at most once. The Node of a host that is not a Kairos host is not even read. */
const pass = Effect.fn("nodeLabeler.pass")(function* (
  name: string,
): Effect.fn.Return<Labelled, ApiError | HostError, KubeApi | HostFiles> {
  const host = yield* HostFiles;
  const api = yield* KubeApi;
  const description = describe(yield* host.texts);
  if (description === undefined) return "NotKairos";
  const labelling = label(yield* api.get(NodeResource, { name }), description);
  if (labelling._tag !== "Patch") return labelling._tag;
  yield* api.patch(NodeResource, { name }, labelling.patch);
  return "Patched";
});

/** A Conflict is somebody else's write that came first: nothing to worry about, the next pass decides anew. */
const attempt = (name: string) =>
  Effect.tapError(pass(name), (error) =>
    error._tag === "Conflict"
      ? Effect.logDebug("the Node changed meanwhile, looking again")
      : Effect.annotateLogs(Effect.logWarning("the labeler has to try again"), {
          error: error.message,
        }),
  );

/**
 * Labels the Node `name` once and says what came of it. Errors are retried for about half a minute; the last one is the
 * result.
 */
export const labelNode = (
  name: string,
): Effect.Effect<Labelled, ApiError | HostError, KubeApi | HostFiles> =>
  attempt(name).pipe(
    Effect.retry({ schedule: patience, times: RETRIES_ONCE }),
    Effect.tap((outcome) => Effect.log(SENTENCES[outcome])),
    Effect.annotateLogs({ node: name }),
  );

/**
 * Keeps the Node `name` labelled for ever: looks again every `every`, give or take a fifth, so that the labelers of a
 * cluster do not come all at once. Errors are waited out. A Node that is gone and comes back is an error that heals.
 */
export const nodeLabeler = (options: {
  readonly name: string;
  readonly every: Duration.Input;
}): Effect.Effect<never, never, KubeApi | HostFiles> =>
  Effect.suspend(() => {
    let before: Labelled | undefined;
    // What does not change is said once: a line each minute on each node would hide the ones that matter.
    const tell = (outcome: Labelled) => {
      const isNews = outcome === "Patched" || outcome !== before;
      before = outcome;
      return isNews ? Effect.log(SENTENCES[outcome]) : Effect.void;
    };
    return attempt(options.name).pipe(
      Effect.retry(patience),
      Effect.flatMap(tell),
      Effect.repeat(Schedule.jittered(Schedule.spaced(options.every))),
      Effect.orDie,
      Effect.andThen(Effect.never),
      Effect.annotateLogs({ node: options.name }),
    );
  });
