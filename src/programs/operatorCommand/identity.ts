/** Which process this is, among all operators of the cluster. */
import { hostname } from "node:os";
import { Config, Effect, FileSystem, Option, Random } from "effect";

const NAMESPACE_FILE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/** Where the manifests install the operator. */
const NAMESPACE_DEFAULT = "operator-system";

/** The name of the Pod, else of the machine. */
export const processName = Config.String("CONTROLLER_POD_NAME").pipe(
  Config.option,
  Effect.orDie,
  Effect.map((name) =>
    Option.getOrElse(
      Option.filter(name, (text) => text !== ""),
      hostname,
    ),
  ),
);

/** Told apart from every other process, earlier ones of the same Pod included. */
export const identityOf = (name: string): Effect.Effect<string> =>
  Effect.map(
    Effect.all(Array.from({ length: 4 }, () => Random.nextIntBetween(0, 2 ** 32))),
    (parts) => `${name}_${parts.map((part) => part.toString(16).padStart(8, "0")).join("")}`,
  );

/** The namespace of the Pod that this runs in, else the one of the manifests. */
export const ownNamespace = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem;
  const text = yield* Effect.option(fs.readFileString(NAMESPACE_FILE));
  return Option.getOrElse(text, () => "").trim() || NAMESPACE_DEFAULT;
});

/** The Pod that this runs in; undefined where nobody says so. */
export const ownPod = Effect.gen(function* () {
  const name = yield* Effect.orDie(Config.option(Config.String("CONTROLLER_POD_NAME")));
  if (Option.isNone(name) || name.value === "") return undefined;
  return { namespace: yield* ownNamespace, name: name.value };
});
