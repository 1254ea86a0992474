/** `nodeop node-labeler` as a Pod runs it: environment, flags, exit, what is told. */
import * as NodeServices from "@effect/platform-node/NodeServices";
import { describe, expect, it } from "@effect/vitest";
import { ConfigProvider, Effect, FileSystem, Layer, Result, Schema } from "effect";
import { Command } from "effect/cli";
import { TestConsole } from "effect/testing";
import { Nodes } from "../../src/domain/kube/resource.ts";
import { nodeLabelerCommand } from "../../src/programs/nodeLabelerCommand.ts";
import { FakeCluster } from "../../src/services/fake/FakeCluster.ts";
import { transportOf } from "../../src/services/fake/transport.ts";
import { KubeTransport } from "../../src/services/KubeTransport.ts";
import { OPENSUSE } from "../support/hosts.ts";
import { nodeop } from "./support.ts";

class NoCluster extends Schema.TaggedError<NoCluster>()("NoCluster", {}) {
  override get message() {
    return "no cluster: set KUBECONFIG";
  }
}

type Transport = Layer.Layer<KubeTransport, NoCluster>;

/** Runs the command against a cluster with the Node worker-1, on a host that is openSUSE Kairos. */
const run = (
  args: (hostRoot: string) => ReadonlyArray<string>,
  options: {
    readonly env?: (hostRoot: string) => Record<string, string>;
    readonly transport?: Transport;
  } = {},
) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem;
    const hostRoot = yield* fs.makeTempDirectoryScoped();
    yield* fs.makeDirectory(`${hostRoot}/etc`);
    yield* fs.writeFileString(`${hostRoot}/etc/kairos-release`, OPENSUSE);
    const cluster = yield* FakeCluster.make();
    cluster.handle("user", {
      verb: "create",
      resource: Nodes,
      body: { apiVersion: "v1", kind: "Node", metadata: { name: "worker-1" } },
    });
    const live: Transport = Layer.succeed(KubeTransport, transportOf(cluster, "labeler"));
    const exit = yield* Command.runWith(
      nodeLabelerCommand(() => options.transport ?? live),
      {
        version: "1",
      },
    )(args(hostRoot)).pipe(
      Effect.result,
      Effect.provide(
        ConfigProvider.layer(ConfigProvider.fromEnv({ env: options.env?.(hostRoot) ?? {} })),
      ),
    );
    return {
      exit,
      labels: cluster.object(Nodes, { name: "worker-1" })?.metadata.labels ?? {},
      lines: (yield* TestConsole.logLines).map(String),
      errors: (yield* TestConsole.errorLines).map(String),
    };
  }).pipe(Effect.scoped, Effect.provide(NodeServices.layer));

describe("nodeop node-labeler --once", () => {
  it.effect(
    "labels the Node that its Pod's environment names, says so as JSON, and ends well",
    () =>
      Effect.gen(function* () {
        const { exit, labels, lines } = yield* run(() => ["--once"], {
          env: (hostRoot) => ({ NODE_NAME: "worker-1", HOST_ROOT: hostRoot }),
        });
        expect(Result.isSuccess(exit)).toBe(true);
        expect(labels).toMatchObject({
          "kairos.io/managed": "true",
          "kairos.io/flavor": "opensuse",
        });
        expect(JSON.parse(lines[0] ?? "")).toMatchObject({
          message: "labels and annotations were changed",
          annotations: { node: "worker-1" },
        });
      }),
  );

  it.effect("prefers flags to the environment", () =>
    Effect.gen(function* () {
      const { labels } = yield* run(
        (hostRoot) => ["--once", "--node", "worker-1", "--host-root", hostRoot],
        { env: () => ({ NODE_NAME: "other", HOST_ROOT: "/nowhere" }) },
      );
      expect(labels).toMatchObject({ "kairos.io/managed": "true" });
    }),
  );

  it.effect("leaves a host without Kairos alone and ends well", () =>
    Effect.gen(function* () {
      const { exit, labels, lines } = yield* run((hostRoot) => [
        "--once",
        "--node=worker-1",
        `--host-root=${hostRoot}/nothing-here`,
      ]);
      expect(Result.isSuccess(exit)).toBe(true);
      expect(labels).toEqual({});
      expect(lines.join("")).toContain("not a Kairos node");
    }),
  );

  it.effect("without a cluster fails with one sentence and exit code 1", () =>
    Effect.gen(function* () {
      const { exit, errors } = yield* run(() => ["--once", "--node", "worker-1"], {
        transport: Layer.effectContext(Effect.fail(new NoCluster())),
      });
      expect(exit).toMatchObject({ failure: { _tag: "NodeLabelerFailed" } });
      expect(errors).toEqual(["nodeop node-labeler: no cluster: set KUBECONFIG"]);
    }),
  );
});

describe("nodeop", () => {
  it.live("has the command, and tells what it needs in one sentence", () =>
    Effect.gen(function* () {
      const { stdout, stderr, exitCode } = yield* nodeop("node-labeler", "--once");
      expect(stdout).toBe("");
      expect(stderr).toBe(
        "nodeop node-labeler: which Node? Set NODE_NAME from the Pod's spec.nodeName, or give --node",
      );
      expect(exitCode).toBe(1);
    }),
  );
});

describe("a command line that makes no sense is refused", () => {
  it.effect.each([
    [[], "NODE_NAME"],
    [["--node", "worker-1", "--every", "0"], "from 1 to 86400"],
    [["--node", "worker-1", "--every", "often"], "often"],
  ] as const)("%j", ([args, word]) =>
    Effect.gen(function* () {
      const { exit, labels, lines, errors } = yield* run(() => args);
      expect(Result.isFailure(exit)).toBe(true);
      expect([...lines, ...errors].join("\n")).toContain(word);
      expect(labels).toEqual({});
    }),
  );
});
