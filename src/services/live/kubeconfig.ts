/**
 * Finds the configuration of the cluster to talk to, as `kubectl` and client-go do: the files that were asked for, else
 * the ServiceAccount of the Pod, else `~/.kube/config`. What it means is client-node's business (`KubeConfig`).
 */
import { dirname, delimiter, isAbsolute, join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import { Config, Effect, FileSystem, Option, Predicate } from "effect";
import { parse } from "yaml";
import { LiveConfigError, wordsOf } from "./LiveConfigError.ts";

export interface KubeConfigOptions {
  /** Path of a kubeconfig, or several as in `KUBECONFIG`. Default: the environment's `KUBECONFIG`. */
  readonly kubeconfig?: string | undefined;
  /** Name of a context of it. Default: its current context. */
  readonly context?: string | undefined;
  /** Where a Pod finds the token of its ServiceAccount. */
  readonly serviceAccountDir?: string | undefined;
}

const SERVICE_ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Importing it takes a third of a second, so whoever never asks for a cluster must not. */
const importKubeConfig = Effect.tryPromise({
  try: () => import("@kubernetes/client-node/dist/config.js"),
  catch: (thrown) =>
    new LiveConfigError({
      message: `@kubernetes/client-node cannot be loaded: ${wordsOf(thrown)}; install it`,
    }),
});

const absolute = (directory: string, path: string): string =>
  isAbsolute(path) ? path : join(directory, path);

/** The credential plugin as client-go would run it: found beside the file, told which version of the protocol is spoken. */
const adaptExec = (exec: object, directory: string): object => {
  const command =
    "command" in exec && typeof exec.command === "string" && exec.command.includes("/")
      ? { command: absolute(directory, exec.command) }
      : {};
  const apiVersion = "apiVersion" in exec ? exec.apiVersion : undefined;
  const info = { kind: "ExecCredential", apiVersion, spec: { interactive: false } };
  const given: ReadonlyArray<unknown> = "env" in exec && Array.isArray(exec.env) ? exec.env : [];
  const env = [...given, { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify(info) }];
  return { ...exec, ...command, env };
};

/** client-node reads a `tokenFile` only as an auth provider (then again and again), and client-go prefers it to `token`. */
const adaptUser = (user: object, directory: string): object => {
  const { tokenFile, token, exec, ...rest } = { tokenFile: "", token: "", exec: null, ...user };
  const plugin =
    typeof exec === "object" && exec !== null ? { exec: adaptExec(exec, directory) } : {};
  if (typeof tokenFile !== "string" || tokenFile === "")
    return { ...rest, ...plugin, ...(token === "" ? {} : { token }) };
  const config = { tokenFile: absolute(directory, tokenFile) };
  return { ...rest, "auth-provider": { name: "tokenFile", config } };
};

const adapt = (json: object, directory: string): object => ({
  ...json,
  users:
    "users" in json && Array.isArray(json.users)
      ? json.users.map((entry: unknown) =>
          Predicate.hasProperty(entry, "user") && Predicate.isObject(entry.user)
            ? { ...Object(entry), user: adaptUser(entry.user, directory) }
            : entry,
        )
      : [],
});

const parseFile = (Class: typeof KubeConfig, path: string, text: string) =>
  Effect.try({
    try: () => {
      const json: unknown = parse(text);
      if (!Predicate.isObject(json) || Array.isArray(json))
        throw new Error("it is not a YAML mapping with clusters, users and contexts");
      const directory = dirname(path);
      const config = new Class();
      config.loadFromString(JSON.stringify(adapt(json, directory)));
      config.makePathsAbsolute(directory);
      return config;
    },
    catch: (thrown) =>
      new LiveConfigError({
        message: `${path} is not a kubeconfig: ${wordsOf(thrown)}; correct it or name another one`,
      }),
  });

/** Of entries with the same name the first counts, as for `kubectl`. */
const firstByName = <A extends { readonly name: string }>(
  lists: ReadonlyArray<ReadonlyArray<A>>,
) => [
  ...new Map(
    lists
      .flat()
      .map((entry) => [entry.name, entry] as const)
      .toReversed(),
  ).values(),
];

/** Reads the files that exist and merges them; fails when none does. */
const loadFiles = Effect.fnUntraced(function* (Class: typeof KubeConfig, list: string) {
  const fs = yield* FileSystem.FileSystem;
  const configs: Array<KubeConfig> = [];
  const paths = list.split(delimiter).filter((path) => path !== "");
  for (const path of paths) {
    const text = yield* fs.readFileString(path).pipe(
      Effect.asSome,
      Effect.catchIf(
        (error) => Predicate.isTagged(error.reason, "NotFound"),
        () => Effect.succeedNone,
      ),
      Effect.mapError(
        (error) =>
          new LiveConfigError({
            message: `${path} cannot be read: ${wordsOf(error)}; make it readable`,
          }),
      ),
    );
    if (Option.isSome(text)) configs.push(yield* parseFile(Class, path, text.value));
  }
  if (configs.length === 0)
    return yield* new LiveConfigError({
      message: `there is no kubeconfig at ${paths.join(", ")}; check --kubeconfig and KUBECONFIG`,
    });
  const merged = new Class();
  merged.loadFromOptions({
    clusters: firstByName(configs.map((config) => config.clusters)),
    users: firstByName(configs.map((config) => config.users)),
    contexts: firstByName(configs.map((config) => config.contexts)),
    currentContext: configs.find((config) => (config.currentContext ?? "") !== "")?.currentContext,
  });
  return merged;
});

/** The ServiceAccount of this Pod, if this is a Pod that has one. */
const loadInCluster = Effect.fnUntraced(function* (Class: typeof KubeConfig, directory: string) {
  const fs = yield* FileSystem.FileSystem;
  const host = yield* environment("KUBERNETES_SERVICE_HOST");
  const port = yield* environment("KUBERNETES_SERVICE_PORT");
  const tokenFile = join(directory, "token");
  const exists = yield* Effect.orElseSucceed(fs.exists(tokenFile), () => false);
  if (host === undefined || port === undefined || !exists) return undefined;
  const config = new Class();
  const name = "in-cluster";
  config.loadFromClusterAndUser(
    {
      name,
      server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
      caFile: join(directory, "ca.crt"),
      skipTLSVerify: false,
    },
    { name, authProvider: { name: "tokenFile", config: { tokenFile } } },
  );
  const namespace = yield* Effect.option(fs.readFileString(join(directory, "namespace")));
  const known = Option.isSome(namespace) ? { namespace: namespace.value.trim() } : {};
  config.contexts = config.contexts.map((context) => ({ ...context, ...known }));
  return config;
});

const environment = (name: string): Effect.Effect<string | undefined> =>
  Effect.map(Effect.option(Config.NonEmptyString(name)), Option.getOrUndefined);

/** What `kubectl` would use, and how to call it in a sentence. */
const find = Effect.fnUntraced(function* (options: KubeConfigOptions) {
  const { KubeConfig: Class } = yield* importKubeConfig;
  const asked = options.kubeconfig ?? (yield* environment("KUBECONFIG"));
  if (asked !== undefined) return { config: yield* loadFiles(Class, asked), where: asked };
  const directory = options.serviceAccountDir ?? SERVICE_ACCOUNT_DIR;
  const inCluster = yield* loadInCluster(Class, directory);
  if (inCluster !== undefined) return { config: inCluster, where: "the Pod's ServiceAccount" };
  const home = join((yield* environment("HOME")) ?? "/", ".kube", "config");
  const fs = yield* FileSystem.FileSystem;
  if (yield* Effect.orElseSucceed(fs.exists(home), () => false))
    return { config: yield* loadFiles(Class, home), where: home };
  return yield* new LiveConfigError({
    message: `no cluster is configured: this is not a Pod with a ServiceAccount, and there is no ${home}; give --kubeconfig or set KUBECONFIG`,
  });
});

const listed = (entries: ReadonlyArray<{ readonly name: string }>): string =>
  entries.length === 0 ? "none" : entries.map(({ name }) => name).join(", ");

/** Checks that the chosen context leads to a cluster and a user; then there is nothing left to choose. */
const choose = (
  config: KubeConfig,
  where: string,
  context: string | undefined,
): string | undefined => {
  const name = context ?? config.currentContext ?? "";
  const chosen = config.contexts.find((entry) => entry.name === name);
  const has = `it has: ${listed(config.contexts)}`;
  if (name === "") return `${where} has no current-context; choose one with --context (${has})`;
  if (chosen === undefined)
    return `${where} has no context ${name}; choose another with --context (${has})`;
  config.setCurrentContext(name);
  const cluster = config.getCluster(chosen.cluster);
  if (cluster === null)
    return `context ${name} of ${where} is of a cluster ${chosen.cluster} that is not there; add it`;
  if (!/^https?:\/\//u.test(cluster.server) || !URL.canParse(cluster.server))
    return `the server of cluster ${cluster.name} in ${where} is "${cluster.server}"; make it https://host:port`;
  // A context without a user is anonymous. client-node ignores even the CA of a cluster without a user.
  const user = chosen.user ?? "";
  if (config.getUser(user) === null && user !== "")
    return `context ${name} of ${where} is of a user ${user} that is not there; add it`;
  if (user === "") config.users = [...config.users, { name: user }];
  // client-node refuses plain HTTP where TLS is to be verified; `kubectl proxy` and tunnels speak it.
  config.clusters = config.clusters.map((entry) =>
    entry.server.startsWith("http:") ? { ...entry, skipTLSVerify: true } : entry,
  );
  return undefined;
};

/** A configuration that leads to one cluster, and what to call it in a sentence. */
export interface FoundKubeConfig {
  readonly config: KubeConfig;
  readonly where: string;
}

/**
 * Loads the configuration anew. Its current context exists and leads to a cluster and a user; the namespace of the
 * context is the Pod's own in a cluster. Fails with a sentence that says what to do.
 */
export const loadKubeConfig = Effect.fn("loadKubeConfig")(function* (
  options: KubeConfigOptions = {},
): Effect.fn.Return<FoundKubeConfig, LiveConfigError, FileSystem.FileSystem> {
  const { config, where } = yield* find(options);
  const problem = choose(config, where, options.context);
  if (problem !== undefined) return yield* new LiveConfigError({ message: problem });
  return { config, where };
});
