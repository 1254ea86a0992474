/** `nodeop manifests` as its users meet it. */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { parseAllDocuments } from "yaml";
import { crdsYaml, installYaml } from "../../../scripts/generate.ts";
import { nodeop } from "../support.ts";

const withoutHeader = (text: string) => text.split("\n").slice(1).join("\n").trimEnd();

describe("manifests", () => {
  it.live("without flags prints what is checked in", () =>
    Effect.gen(function* () {
      const { stdout, stderr, exitCode } = yield* nodeop("manifests");
      expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
      expect(stdout).toBe(withoutHeader(installYaml()));
    }),
  );

  it.live("--crds-only prints the definitions and nothing else", () =>
    Effect.gen(function* () {
      expect((yield* nodeop("manifests", "--crds-only")).stdout).toBe(withoutHeader(crdsYaml()));
    }),
  );

  it.live("every flag shows in what is printed", () =>
    Effect.gen(function* () {
      const { stdout } = yield* nodeop(
        "manifests",
        "--namespace=kairos",
        "--image=registry.example/nodeop:v9",
        "--replicas=2",
        "--pull-secret=one",
        "--pull-secret=two",
        "--no-labeler",
        "--watch-namespace=upgrades",
        "--sentinel-image=s:1",
        "--default-image=d:1",
        "--max-unavailable=3",
      );
      const objects = parseAllDocuments(stdout).map((document) => document.toJS() as object);
      expect(objects).toContainEqual(
        expect.objectContaining({
          kind: "Deployment",
          metadata: expect.objectContaining({ namespace: "kairos" }),
          spec: expect.objectContaining({ replicas: 2 }),
        }),
      );
      for (const text of ["registry.example/nodeop:v9", "name: one", "name: two", "s:1", "d:1"])
        expect(stdout).toContain(text);
      expect(stdout).toContain("--namespace=upgrades");
      expect(stdout).toContain("--max-unavailable=3");
      expect(stdout).not.toContain("kind: DaemonSet");
      expect(stdout).not.toContain("operator-system");
    }),
  );

  it.live("bad flags are answered with a sentence each, all at once, and exit code 1", () =>
    Effect.gen(function* () {
      const bad = yield* nodeop(
        "manifests",
        "--namespace",
        "A B",
        "--image",
        "?",
        "--replicas",
        "0",
      );
      expect({ stdout: bad.stdout, exitCode: bad.exitCode }).toEqual({ stdout: "", exitCode: 1 });
      expect(bad.stderr.split("\n").map((line) => line.split(":")[0])).toEqual([
        "--namespace",
        "--image",
        "--replicas",
      ]);
      expect((yield* nodeop("manifests", "--replicas", "many")).exitCode).toBe(1);
      expect((yield* nodeop("manifests", "--imgae", "x")).exitCode).toBe(1);
    }),
  );
});
