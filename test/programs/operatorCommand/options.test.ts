/** Flag before environment before default, and every mistake at once, in one sentence each. */
import * as NodeServices from "@effect/platform-node/NodeServices";
import { describe, expect, it } from "@effect/vitest";
import { ConfigProvider, Effect, Result } from "effect";
import { Command } from "effect/cli";
import { DEFAULT_SETTINGS } from "../../../src/domain/rollout/observed.ts";
import { operatorFlags, type OperatorText } from "../../../src/programs/operatorCommand/flags.ts";
import { operatorConfig } from "../../../src/programs/operatorCommand/options.ts";
import { nodeop } from "../support.ts";

/** What is read from a command line and an environment. */
const given = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
) {
  let read: OperatorText | undefined;
  const command = Command.make("operator", operatorFlags, (text) =>
    Effect.sync(() => {
      read = text;
    }),
  );
  yield* Command.runWith(command, { version: "1" })([...args]).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })),
    Effect.provide(NodeServices.layer),
  );
  return Result.getOrThrow(operatorConfig({ ...read!, logLevel: undefined }));
});

describe("options of the operator", () => {
  it.live("have the documented defaults", () =>
    Effect.gen(function* () {
      expect(yield* given([])).toEqual({
        namespace: undefined,
        leaderElect: true,
        leaseName: "ce9721c3.kairos.io",
        leaseNamespace: undefined,
        healthAddress: { host: undefined, port: 8081 },
        metricsAddress: { host: undefined, port: 8080 },
        settings: { ...DEFAULT_SETTINGS, sentinelImage: undefined },
        workers: 4,
        logLevel: "Info",
        kubeconfig: undefined,
        context: undefined,
      });
    }),
  );

  it.live("come from the flag, else from the environment", () =>
    Effect.gen(function* () {
      const env = {
        NODEOP_WORKERS: "9",
        NODEOP_LEADER_ELECT: "false",
        OPERATOR_IMAGE: "registry.example/nodeop@sha256:abc",
        CONTROLLER_POD_NAMESPACE: "kairos",
      };
      const fromEnv = yield* given([], env);
      expect(fromEnv).toMatchObject({
        workers: 9,
        leaderElect: false,
        leaseNamespace: "kairos",
        settings: { operatorImage: "registry.example/nodeop@sha256:abc" },
      });
      const fromFlags = yield* given(["--workers", "2", "--leader-elect"], env);
      expect(fromFlags).toMatchObject({ workers: 2, leaderElect: true });
      expect(yield* given([], { NODEOP_MAX_UNAVAILABLE: "10%" })).toMatchObject({
        maxUnavailable: { _tag: "Percent", percent: 10 },
      });
      expect(yield* given(["--no-leader-elect"])).toMatchObject({ leaderElect: false });
    }),
  );

  it.live("an empty variable is one that is not set", () =>
    Effect.gen(function* () {
      const env = {
        NODEOP_NAMESPACE: "",
        SENTINEL_IMAGE: "",
        NODEOP_WORKERS: "",
        NODEOP_LEADER_ELECT: "",
        OPERATOR_IMAGE: "",
      };
      expect(yield* given([], env)).toEqual(yield* given([]));
    }),
  );

  it.live("addresses have a host or not, and 0 is none", () =>
    Effect.gen(function* () {
      const { healthAddress, metricsAddress } = yield* given([
        "--health-address=[::1]:9",
        "--metrics-address=0",
      ]);
      expect(healthAddress).toEqual({ host: "::1", port: 9 });
      expect(metricsAddress).toBeUndefined();
    }),
  );

  it.live("that are wrong are answered all at once, one sentence each, exit code 1", () =>
    Effect.gen(function* () {
      const { stderr, stdout, exitCode } = yield* nodeop(
        "operator",
        "--workers=0",
        "--namespace=A b",
        "--health-address=8081",
        "--sentinel-directory=var",
        "--lease-name=X",
        "--operator-image=a b",
        "--max-unavailable=0%",
      );
      expect(exitCode).toBe(1);
      expect(stdout).toBe("");
      expect(stderr.split("\n")).toEqual([
        '--namespace (NODEOP_NAMESPACE): must be the name of a namespace: lower case letters, digits and dashes, is "A b"',
        '--lease-name (NODEOP_LEASE_NAME): must be a name: lower case letters, digits, dashes and dots, is "X"',
        '--health-address (NODEOP_HEALTH_ADDRESS): must be :PORT, HOST:PORT, or 0 for none, is "8081"',
        '--operator-image (OPERATOR_IMAGE): must be the name of an image, is "a b"',
        '--sentinel-directory (NODEOP_SENTINEL_DIRECTORY): must be an absolute path of a directory, is "var"',
        '--max-unavailable (NODEOP_MAX_UNAVAILABLE): must be a number of nodes from 1 on, such as 3, or a percentage from 1% to 100%, such as 10%, is "0%"',
        '--workers (NODEOP_WORKERS): must be a whole number from 1 to 1000, is "0"',
      ]);
    }),
  );

  it.live("a kubeconfig that is not there is one sentence, exit code 1", () =>
    Effect.gen(function* () {
      const { stderr, exitCode } = yield* nodeop("operator", "--kubeconfig=/nowhere/config");
      expect(exitCode).toBe(1);
      expect(stderr).toBe(
        "there is no kubeconfig at /nowhere/config; check --kubeconfig and KUBECONFIG",
      );
    }),
  );
});
