import { describe, expect, it } from "@effect/vitest";
import { Result } from "effect";
import { decodeNodeOp } from "../../../src/domain/api/decode.ts";
import { nodeOp, TIME } from "./fixtures.ts";

const NODES = 1000;
const VERSIONS = 20;

type Entries = Readonly<Record<string, object>>;
const entry = (index: number, phase: string) =>
  Object.freeze({ phase, jobName: `job-${index}`, startedAt: TIME, stage: "Upgrading" });
const entries: Entries = Object.fromEntries(
  Array.from({ length: NODES }, (_, index) => [`node-${index}`, entry(index, "Running")]),
);
const spec = { command: ["true"] };
const version = (nodeStatuses: Entries) => nodeOp(spec, { status: { nodeStatuses } });

/** Each version differs from the one before in one entry and shares all others, as a store's commits do. */
const versions = (): ReadonlyArray<object> => {
  const statuses = [entries];
  for (let index = 0; index < VERSIONS; index++) {
    statuses.push({ ...statuses[index], [`node-${index}`]: entry(index, "Completed") });
  }
  return statuses.slice(1).map(version);
};

const millis = (objects: ReadonlyArray<object>): number => {
  const start = performance.now();
  for (const object of objects) Result.getOrThrow(decodeNodeOp(object));
  return performance.now() - start;
};

describe("decoding is memoised by identity", () => {
  it("the same object decodes to the same result, good or bad", () => {
    const good = version(entries);
    const bad = nodeOp({});
    expect(decodeNodeOp(good)).toBe(decodeNodeOp(good));
    expect(decodeNodeOp(bad)).toBe(decodeNodeOp(bad));
    expect(Result.isFailure(decodeNodeOp(bad))).toBe(true);
  });

  it("unchanged spec and entries stay the same objects from version to version", () => {
    const before = Result.getOrThrow(decodeNodeOp(version(entries)));
    const changed = entry(0, "Completed");
    const after = Result.getOrThrow(decodeNodeOp(version({ ...entries, "node-0": changed })));
    expect(after.spec).toBe(before.spec);
    expect(after.status.nodeStatuses?.["node-1"]).toBe(before.status.nodeStatuses?.["node-1"]);
    expect(after.status.nodeStatuses?.["node-0"]).toBe(changed);
  });

  it("an entry that decoding changes stays the same object too", () => {
    const withNull = Object.freeze({ phase: "Pending", jobName: null });
    const decode = () =>
      Result.getOrThrow(decodeNodeOp(version({ ...entries, odd: withNull }))).status.nodeStatuses;
    expect(decode()?.["odd"]).toEqual({ phase: "Pending" });
    expect(decode()?.["odd"]).toBe(decode()?.["odd"]);
  });

  it("one changed entry of 1,000 costs at most a tenth of decoding them all", () => {
    const cold = versions().map((object) => structuredClone(object));
    millis(cold.splice(0, VERSIONS / 2));
    millis([version(entries)]);
    const warm = versions();
    millis(warm.slice(0, VERSIONS / 2));
    const coldMillis = millis(cold);
    const warmMillis = millis(warm.slice(VERSIONS / 2));
    expect(warmMillis * 10).toBeLessThan(coldMillis);
  });
});
