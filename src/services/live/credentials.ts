/** Who we are to the API server, asked anew for each request: headers (tokens expire) and TLS material (files rotate). */
import type { AgentOptions, RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import { Deferred, type Duration, Effect, FileSystem, type Scope } from "effect";
import { type FoundKubeConfig, type KubeConfigOptions, loadKubeConfig } from "./kubeconfig.ts";
import { LiveConfigError, wordsOf } from "./LiveConfigError.ts";

/** Less than a request may take, so that it is the plugin that is named, and not the server. */
const ANSWER_TIMEOUT = "20 seconds";

/** What makes two TLS connections different. */
export type TlsMaterial = Pick<
  AgentOptions,
  "ca" | "cert" | "key" | "pfx" | "passphrase" | "rejectUnauthorized" | "servername"
>;

export interface CredentialOptions extends KubeConfigOptions {
  /** How long a credential plugin may take. Default: 20 seconds, less than a request may take. */
  readonly credentialsTimeout?: Duration.Input | undefined;
}

export interface Credentials {
  readonly config: KubeConfig;
  /** Lower case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
}

export interface CredentialSource {
  /** The credentials of now. Concurrent callers share one question, so that a plugin runs once. */
  readonly current: Effect.Effect<Credentials, LiveConfigError>;
  /**
   * To be called when the server answered 401: reads configuration, token file and plugin once more, unless that has
   * happened since `rejected` were current. Fails when that fails; answers what is known then, perhaps the same.
   */
  readonly renew: (rejected: Credentials) => Effect.Effect<Credentials, LiveConfigError>;
}

const problem = ({ config, where }: FoundKubeConfig, thrown: unknown): LiveConfigError => {
  const user = config.getCurrentUser();
  const plugin: unknown = user?.exec?.command;
  const message =
    typeof plugin === "string"
      ? `the credential plugin ${plugin} of ${where} gave no credentials: ${wordsOf(thrown)}; run it by hand, or log in again`
      : `the credentials of user ${user?.name ?? ""} in ${where} cannot be used: ${wordsOf(thrown)}; correct them`;
  return new LiveConfigError({ message });
};

const headersOf = (options: RequestOptions): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {}))
    // Token files often end in a newline, which no header may contain.
    headers[name.toLowerCase()] = String(value).trim();
  if (typeof options.auth === "string")
    headers["authorization"] = `Basic ${Buffer.from(options.auth).toString("base64")}`;
  return headers;
};

/**
 * `applyToHTTPSOptions`, not `applySecurityAuthentication`: both ask the same authenticators, but the latter makes a
 * new connection pool in each call.
 */
const ask = (found: FoundKubeConfig): Effect.Effect<Credentials, LiveConfigError> =>
  Effect.tryPromise({
    try: () => {
      const options: RequestOptions = {};
      return found.config.applyToHTTPSOptions(options).then(() => options);
    },
    catch: (thrown) => problem(found, thrown),
  }).pipe(
    Effect.map((options) => {
      const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
      const tls = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername };
      return { config: found.config, headers: headersOf(options), tls };
    }),
  );

/** Loads the configuration; ask for `current` at once, so that what is wrong shows before anything runs. */
export const makeCredentialSource = Effect.fnUntraced(function* (
  options: CredentialOptions,
): Effect.fn.Return<CredentialSource, LiveConfigError, FileSystem.FileSystem | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem;
  const scope = yield* Effect.scope;
  const load = Effect.provideService(loadKubeConfig(options), FileSystem.FileSystem, fs);
  let found = yield* load;

  /** One question at a time. Who gives up waiting does not end it: a plugin that hangs hangs once. */
  const shared = (question: Effect.Effect<Credentials, LiveConfigError>) => {
    let asking: Deferred.Deferred<Credentials, LiveConfigError> | undefined;
    const answer = Effect.suspend(() => {
      if (asking !== undefined) return Deferred.await(asking);
      const deferred = Deferred.makeUnsafe<Credentials, LiveConfigError>();
      asking = deferred;
      return question.pipe(
        Effect.onExit((exit) => {
          asking = undefined;
          return Deferred.done(deferred, exit);
        }),
        Effect.forkIn(scope, { startImmediately: true }),
        Effect.andThen(Deferred.await(deferred)),
      );
    });
    return Effect.timeoutOrElse(answer, {
      duration: options.credentialsTimeout ?? ANSWER_TIMEOUT,
      orElse: () => Effect.fail(problem(found, new Error("no answer, it hangs"))),
    });
  };

  const current = shared(Effect.suspend(() => ask(found)));
  const reload = shared(
    Effect.flatMap(load, (loaded) => {
      found = loaded;
      return ask(loaded);
    }),
  );
  return {
    current,
    renew: (rejected) =>
      Effect.suspend(() => (rejected.config === found.config ? reload : current)),
  };
});
