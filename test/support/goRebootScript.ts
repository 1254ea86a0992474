/** The shell script that the Go original runs in its reboot Pods (kairos.md a7), with its weaknesses. */
import { Effect, Option, Result, Schema } from "effect";
import type { KubeObject } from "../../src/domain/kube/object.ts";
import { Jobs, Pods } from "../../src/domain/kube/resource.ts";
import { ANNOTATION_REBOOT_STATE } from "../../src/domain/labels.ts";
import { ViewMeta } from "../../src/domain/kube/view.ts";
import { Host } from "../../src/services/Host.ts";
import { KubeApi } from "../../src/services/KubeApi.ts";
import { typed } from "../../src/services/typed.ts";

/** The script that waits for the sentinels `<job>-<epoch>`. */
export const rebootScript = (job: string): ReadonlyArray<string> => [
  "/bin/sh",
  "-c",
  `while true; do f=$(find /sentinel -name "${job}-*"); [ -n "$f" ] && break; sleep 10; done; rm $f
kubectl patch pod $POD_NAME -p '{"metadata":{"annotations":{"kairos.io/reboot-state":"completed"}}}' || echo failed
sleep 5; nsenter -i -m -t 1 -- reboot || echo failed`,
];

const Scripted = Schema.Struct({
  spec: Schema.Struct({
    containers: Schema.Array(
      Schema.Struct({ command: Schema.optionalKey(Schema.Array(Schema.String)) }),
    ),
  }),
});
const decode = Schema.decodeUnknownResult(Scripted);

/** The name of the Job whose sentinel a reboot Pod of the original waits for; undefined for one of ours. */
export const rebootScriptOf = (pod: KubeObject): string | undefined =>
  Option.getOrUndefined(
    Option.flatMap(Result.getSuccess(decode(pod)), ({ spec }) =>
      Option.fromUndefinedOr(/"(\S+)-\*"/u.exec(spec.containers[0]?.command?.join(" ") ?? "")?.[1]),
    ),
  );

const Meta = Schema.Struct({ metadata: ViewMeta });
const PodMeta = typed(Pods, Meta);
const JobMeta = typed(Jobs, Meta);

/** Runs it: annotates first, then reboots, and takes every failure for a success. */
export const runRebootScript = Effect.fnUntraced(function* (
  job: string,
  at: { readonly namespace: string; readonly pod: string },
) {
  const api = yield* KubeApi;
  const host = yield* Host;
  const ref = { namespace: at.namespace, name: at.pod };
  const annotations = yield* Effect.option(api.get(PodMeta, ref));
  const isDone =
    Option.getOrUndefined(annotations)?.metadata.annotations?.[ANNOTATION_REBOOT_STATE] ===
    "completed";
  if (isDone) return 0;
  // The sentinels of simulated hosts carry uids: the Job's name leads to it.
  const written = api.get(JobMeta, { namespace: at.namespace, name: job }).pipe(
    Effect.flatMap(({ metadata }) => host.sentinel(metadata.uid)),
    Effect.map(Option.isSome),
    Effect.orElseSucceed(() => false),
  );
  while (!(yield* written)) yield* Effect.sleep("10 seconds");
  const body = { metadata: { annotations: { [ANNOTATION_REBOOT_STATE]: "completed" } } };
  yield* Effect.ignore(api.patch(PodMeta, ref, body));
  yield* Effect.sleep("5 seconds");
  yield* Effect.ignore(host.reboot);
  return 0;
});
