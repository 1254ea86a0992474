/** Who we are to the API server, asked anew for each request: headers (tokens expire) and TLS material (files rotate). */
import type { AgentOptions, RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import { Deferred, Effect, FileSystem, type Scope } from "effect";
import { type FoundKubeConfig, type KubeConfigOptions, loadKubeConfig } from "./kubeconfig.ts";
import { LiveConfigError, wordsOf } from "./LiveConfigError.ts";

/** What makes two TLS connections different. */
export type TlsMaterial = Pick<
  AgentOptions,
  "ca" | "cert" | "key" | "pfx" | "passphrase" | "rejectUnauthorized" | "servername"
>;

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

/** Loads the configuration and asks for credentials once, so that what is wrong shows before anything runs. */
export const makeCredentialSource = Effect.fnUntraced(function* (
  options: KubeConfigOptions,
): Effect.fn.Return<CredentialSource, LiveConfigError, FileSystem.FileSystem | Scope.Scope> {
  const fs = yield* FileSystem.FileSystem;
  const scope = yield* Effect.scope;
  const load = Effect.provideService(loadKubeConfig(options), FileSystem.FileSystem, fs);
  let found = yield* load;
  yield* ask(found);

  /** One question at a time. Who gives up waiting does not end it: a plugin that hangs hangs once. */
  const shared = <E>(question: Effect.Effect<Credentials, E>) => {
    let asking: Deferred.Deferred<Credentials, E> | undefined;
    return Effect.suspend(() => {
      if (asking !== undefined) return Deferred.await(asking);
      const answer = Deferred.makeUnsafe<Credentials, E>();
      asking = answer;
      return question.pipe(
        Effect.onExit((exit) => {
          asking = undefined;
          return Deferred.done(answer, exit);
        }),
        Effect.forkIn(scope, { startImmediately: true }),
        Effect.andThen(Deferred.await(answer)),
      );
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
