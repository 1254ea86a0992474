import { delimiter } from "node:path";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { describe, expect, it } from "@effect/vitest";
import { ConfigProvider, Effect } from "effect";
import {
  type FoundKubeConfig,
  type KubeConfigOptions,
  loadKubeConfig,
} from "../../../src/services/live/kubeconfig.ts";
import type { LiveConfigError } from "../../../src/services/live/LiveConfigError.ts";
import { directoryOf, kubeconfigJson } from "./support/apiServer.ts";

/** Loads with these files and this environment; both may depend on where the files are. */
const load = (
  files: Readonly<Record<string, string>>,
  setting: (at: string) => {
    readonly options?: KubeConfigOptions;
    readonly env?: Readonly<Record<string, string>>;
  },
) =>
  Effect.gen(function* () {
    const at = yield* directoryOf(files);
    const { options = {}, env = {} } = setting(at);
    return yield* loadKubeConfig({ serviceAccountDir: `${at}/none`, ...options }).pipe(
      Effect.provide(
        ConfigProvider.layer(ConfigProvider.fromUnknown({ HOME: `${at}/home`, ...env })),
      ),
    );
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer));
const serverOf = (loaded: Effect.Effect<FoundKubeConfig, unknown>) =>
  Effect.map(loaded, ({ config }) => config.getCurrentCluster()?.server);
const sentence = (loaded: Effect.Effect<FoundKubeConfig, LiveConfigError | { message: string }>) =>
  Effect.map(Effect.flip(loaded), (error) => {
    expect(error).toMatchObject({ _tag: "LiveConfigError" });
    expect(error.message).not.toContain("\n");
    return error.message;
  });

const one = kubeconfigJson("https://one:6443", { token: "1" });
const two = JSON.stringify({
  clusters: [
    { name: "test", cluster: { server: "https://shadowed:6443" } },
    { name: "two", cluster: { server: "https://two:6443" } },
  ],
  users: [{ name: "two", user: {} }],
  contexts: [{ name: "two", context: { cluster: "two", user: "two" } }],
  "current-context": "two",
});
const account = {
  token: "t",
  namespace: "operator-system\n",
  "ca.crt": "not looked at here",
};

const list = (at: string) => [`${at}/missing`, `${at}/one`, `${at}/two`].join(delimiter);

describe("the configuration that counts", () => {
  it.live("is the one that was asked for, before the environment's", () =>
    Effect.gen(function* () {
      const asked = load({ one, two }, (at) => ({
        options: { kubeconfig: `${at}/one` },
        env: { KUBECONFIG: `${at}/two` },
      }));
      expect(yield* serverOf(asked)).toBe("https://one:6443");
    }),
  );
  it.live("is that of KUBECONFIG, before the Pod's ServiceAccount", () =>
    Effect.gen(function* () {
      const asked = load({ ...account, one }, (at) => ({
        options: { serviceAccountDir: at },
        env: {
          KUBECONFIG: `${at}/one`,
          KUBERNETES_SERVICE_HOST: "h",
          KUBERNETES_SERVICE_PORT: "1",
        },
      }));
      expect(yield* serverOf(asked)).toBe("https://one:6443");
    }),
  );
  it.live("is the Pod's ServiceAccount in a cluster, with its namespace", () =>
    Effect.gen(function* () {
      const { config } = yield* load(account, (at) => ({
        options: { serviceAccountDir: at },
        env: { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" },
      }));
      expect(config.getCurrentCluster()).toMatchObject({
        server: "https://[fd00::1]:443",
        skipTLSVerify: false,
      });
      expect(config.getContextObject(config.currentContext)?.namespace).toBe("operator-system");
    }),
  );
  it.live(
    "is several files of which the first to name something counts, and missing ones do not",
    () =>
      Effect.gen(function* () {
        const both = load({ one, two }, (at) => ({ env: { KUBECONFIG: list(at) } }));
        expect(yield* serverOf(both)).toBe("https://one:6443");
        const other = load({ one, two }, (at) => ({
          options: { context: "two" },
          env: { KUBECONFIG: list(at) },
        }));
        expect(yield* serverOf(other)).toBe("https://two:6443");
      }),
  );
  it.live("may be of a server that speaks plain HTTP", () =>
    Effect.gen(function* () {
      const plain = load({ one: kubeconfigJson("http://127.0.0.1:8001") }, (at) => ({
        options: { kubeconfig: `${at}/one` },
      }));
      expect(yield* serverOf(plain)).toBe("http://127.0.0.1:8001");
    }),
  );
});

const refused = (text: string, context?: string) =>
  sentence(load({ one: text }, (at) => ({ options: { kubeconfig: `${at}/one`, context } })));

describe("a configuration that cannot be used is refused in one sentence that says what to do", () => {
  it.live("none at all", () =>
    Effect.gen(function* () {
      expect(yield* sentence(load({}, () => ({})))).toMatch(
        /no cluster is configured: .*\.kube\/config; give --kubeconfig or set KUBECONFIG/u,
      );
    }),
  );
  it.live("a file that is not there", () =>
    Effect.gen(function* () {
      const missing = load({}, (at) => ({ options: { kubeconfig: `${at}/missing` } }));
      expect(yield* sentence(missing)).toMatch(/there is no kubeconfig at .*missing/u);
    }),
  );
  it.live("a directory in its place", () =>
    Effect.gen(function* () {
      const directory = load({}, (at) => ({ options: { kubeconfig: at } }));
      expect(yield* sentence(directory)).toContain("cannot be read");
    }),
  );
  it.live.each([
    ["not YAML", "a: [", undefined, "is not a kubeconfig"],
    ["a list", "[]", undefined, "is not a kubeconfig"],
    ["empty", "", undefined, "is not a kubeconfig"],
    ["an entry without a server", "clusters: [{name: a, cluster: {}}]", undefined, "server"],
    [
      "an unknown context",
      one,
      "nope",
      "has no context nope; choose another with --context (it has: test)",
    ],
    [
      "no current context",
      one.replace("current-context", "x"),
      undefined,
      "has no current-context",
    ],
    [
      "no cluster",
      one.replace('"name":"test","cluster":{', '"name":"x","cluster":{'),
      undefined,
      "cluster test",
    ],
    ["no user", one.replace('"name":"tester"', '"name":"x"'), undefined, "user tester"],
    [
      "a server without a scheme",
      one.replace("https://", ""),
      undefined,
      "make it https://host:port",
    ],
  ] as const)("%s", ([, text, context, words]) =>
    Effect.gen(function* () {
      expect(yield* refused(text, context)).toContain(words);
    }),
  );
});
