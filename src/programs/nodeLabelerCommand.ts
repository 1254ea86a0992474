/** `nodeop node-labeler`: the labeler on the command line, for a DaemonSet or, with --once, a Job. */
import { Config, Console, Effect, Layer, Logger, Option, Runtime, Schema } from "effect";
import { Command, Flag } from "effect/cli";
import { kubeApiLayer } from "../services/kubeApiLayer.ts";
import type { KubeTransport } from "../services/KubeTransport.ts";
import { liveHostFilesLayer } from "../services/liveHostFiles.ts";
import { labelNode, nodeLabeler } from "./nodeLabeler.ts";

/** A labeler that ended without having done its work. Exit code 1; the sentence has been told. */
class NodeLabelerFailed extends Schema.TaggedError<NodeLabelerFailed>()("NodeLabelerFailed", {
  detail: Schema.String,
}) {
  override readonly [Runtime.errorExitCode] = 1;
  override readonly [Runtime.errorReported] = false;
  override get message() {
    return `nodeop node-labeler: ${this.detail}`;
  }
}

const Seconds = Schema.Int.check(
  Schema.isBetween(
    { minimum: 1, maximum: 86_400 },
    { expected: "a whole number of seconds from 1 to 86400" },
  ),
);

const flags = {
  node: Flag.String("node").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("The Node to label. Environment: NODE_NAME, from spec.nodeName."),
    Flag.withFallbackConfig(Config.NonEmptyString("NODE_NAME")),
    Flag.optional,
  ),
  hostRoot: Flag.String("host-root").pipe(
    Flag.withMetavar("DIRECTORY"),
    Flag.withDescription(
      "Where the host's root directory is mounted. Environment: HOST_ROOT. Default: /host.",
    ),
    Flag.withFallbackConfig(Config.NonEmptyString("HOST_ROOT")),
    Flag.withDefault("/host"),
  ),
  once: Flag.Boolean("once").pipe(
    Flag.withDescription("Label the Node once and exit 0."),
    Flag.withDefault(false),
  ),
  every: Flag.Int("every").pipe(
    Flag.withMetavar("SECONDS"),
    Flag.withDescription("How often to look again, in seconds. Default: 60."),
    Flag.withSchema(Seconds),
    Flag.withDefault(60),
  ),
  kubeconfig: Flag.String("kubeconfig").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription(
      "Which cluster, outside of one. Environment: KUBECONFIG. Default: the Pod's ServiceAccount.",
    ),
    Flag.optional,
  ),
};

const NO_NODE = new NodeLabelerFailed({
  detail: "which Node? Set NODE_NAME from the Pod's spec.nodeName, or give --node",
});

/** The command, over a transport to the cluster. What of it cannot be had is told in a sentence. */
export const nodeLabelerCommand = <E extends { readonly message: string }, R>(
  transport: (options: {
    readonly kubeconfig: string | undefined;
  }) => Layer.Layer<KubeTransport, E, R>,
) =>
  Command.make("node-labeler", flags, ({ node, hostRoot, once, every, kubeconfig }) =>
    Effect.fromOption(node).pipe(
      Effect.mapError(() => NO_NODE),
      Effect.flatMap((name) =>
        (once ? labelNode(name) : nodeLabeler({ name, every: `${every} seconds` })).pipe(
          Effect.provide([
            Layer.provide(
              kubeApiLayer,
              transport({ kubeconfig: Option.getOrUndefined(kubeconfig) }),
            ),
            liveHostFilesLayer({ hostRoot, procDir: "/proc" }),
          ]),
          Effect.provide(Logger.layer([Logger.consoleJson])),
          Effect.mapError(({ message }) => new NodeLabelerFailed({ detail: message })),
        ),
      ),
      Effect.tapError(({ message }) => Console.error(message)),
      Effect.asVoid,
    ),
  ).pipe(
    Command.withDescription(
      "Keeps the labels and annotations of one Kairos Node true; runs on every node of a cluster.",
    ),
  );
