import { describe, expect, it } from "@effect/vitest";
import { Result } from "effect";
import { decodeNodeOp } from "../../../src/domain/api/decode.ts";
import { nodeOp, TIME } from "./fixtures.ts";

const NODES = 1000;
const VERSIONS = 20;

type Entries = Readonly<Record<string, object>>;
const entry = (index: number, phase: string) =>
  Object.freeze({ phase, jobName: `job-${index}`, startedAt: TIME, stage: "Upgrading" });
/** An entry that counts how often its phase is read. */
const counting = (index: number, reads: { count: number }) =>
  Object.freeze({
    ...entry(index, "Running"),
    get phase() {
      reads.count++;
      return "Running";
    },
  });
const entries: Entries = Object.fromEntries(
  Array.from({ length: NODES }, (_, index) => [`node-${index}`, entry(index, "Running")]),
);
const spec = { command: ["true"] };
const version = (nodeStatuses: Entries) => nodeOp(spec, { status: { nodeStatuses } });

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

  it("one changed entry of 1,000 is the only one that is looked into", () => {
    const reads = { count: 0 };
    let followed: Entries = Object.fromEntries(
      Array.from({ length: NODES }, (_, index) => [`node-${index}`, counting(index, reads)]),
    );
    Result.getOrThrow(decodeNodeOp(version(followed)));
    expect(reads.count).toBeGreaterThanOrEqual(NODES);
    reads.count = 0;
    for (let index = 0; index < VERSIONS; index++) {
      followed = { ...followed, [`node-${index}`]: entry(index, "Completed") };
      Result.getOrThrow(decodeNodeOp(version(followed)));
    }
    expect(reads.count).toBe(0);
  });
});
