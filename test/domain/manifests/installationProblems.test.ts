/** Which choices of an installation are refused, and with which sentence. */
import { describe, expect, it } from "@effect/vitest";
import { installationProblems } from "../../../src/domain/manifests/installationProblems.ts";
import { DEFAULT_INSTALLATION } from "../../../src/programs/manifests/defaults.ts";

const problems = (choice: Partial<typeof DEFAULT_INSTALLATION>) =>
  installationProblems({ ...DEFAULT_INSTALLATION, ...choice });

const DIGEST = `sha256:${"0".repeat(64)}`;

describe("an image", () => {
  it.each([
    "nodeop",
    "nodeop:v1",
    `nodeop@${DIGEST}`,
    `nodeop:v1@${DIGEST}`,
    "localhost/nodeop:dev",
    "quay.io/kairos/nodeop:v0.1.0",
    "registry.example:5000/a/b-c/d_e:x.y-z",
    "[fd00::1]:5000/nodeop:v1",
  ])("may be %s", (image) => {
    expect(problems({ image })).toEqual([]);
  });

  it.each([
    "",
    "a b",
    "Nodeop",
    "nodeop:",
    "nodeop@sha256:12",
    "http://x/nodeop",
    "a//b",
    "-a",
    "x:y:z/",
  ])("may not be %j", (image) => {
    expect(problems({ image })).toEqual([
      `--image: "${image}" is no image; write it as registry/name:tag or registry/name@sha256:digest`,
    ]);
  });
});

it("names of namespaces and Secrets are those that the API server takes", () => {
  for (const name of ["a", "a-b9", "x".repeat(63)])
    expect(problems({ namespace: name, watchNamespace: name, pullSecrets: [name] })).toEqual([]);
  for (const name of ["", "A", "-a", "a-", "a_b", "x".repeat(64)])
    expect(problems({ namespace: name, watchNamespace: name })).toHaveLength(2);
  expect(problems({ pullSecrets: ["a.b", "x".repeat(253)] })).toEqual([]);
  expect(problems({ pullSecrets: ["a..b", "B", "x".repeat(254)] })).toHaveLength(3);
});

it("there is at least one operator, and all that is wrong is told at once", () => {
  expect(problems({ replicas: 0, namespace: "A", defaultImage: "?" })).toHaveLength(3);
  expect(problems({ maxUnavailable: "0" })).toEqual([
    '--max-unavailable: must be a number of nodes from 1 on, such as 3, or a percentage from 1% to 100%, such as 10%, is "0"',
  ]);
  expect(problems({ replicas: 1.5 })).toHaveLength(1);
  expect(problems({ replicas: 100 })).toEqual([]);
});
