/** The ceiling of an operator: what is written, what counts against it, and what the book allows. */
import { Result } from "effect";
import { describe, expect, it } from "@effect/vitest";
import {
  type Book,
  enter,
  type Operations,
  readBook,
  withoutDead,
  writeBook,
} from "../../../src/domain/ceiling/book.ts";
import { formatCeiling, nodesOf, parseCeiling } from "../../../src/domain/ceiling/limit.ts";
import { ceilingObstacle, occupancyOf } from "../../../src/domain/ceiling/occupancy.ts";
import { decide } from "../../../src/domain/rollout/decide.ts";
import { entry, MINE, node, observed, operation } from "../rollout/support.ts";

const ceiling = (text: string) => Result.getOrThrow(parseCeiling(text));

describe("--max-unavailable", () => {
  it.each([
    ["3", 10, 3],
    ["1", 0, 1],
    ["10%", 100, 10],
    ["10%", 19, 1],
    ["10%", 9, 1],
    ["100%", 7, 7],
    ["34%", 3, 1],
  ])("%s of %i nodes are %i", (text, total, nodes) => {
    expect(nodesOf(ceiling(text), total)).toBe(nodes);
    expect(formatCeiling(ceiling(text))).toBe(text);
  });
  it.each(["", "0", "0%", "101%", "-1", "1.5", "%", "ten", "1 %", "99999999"])(
    "%j is refused",
    (text) => expect(Result.isFailure(parseCeiling(text))).toBe(true),
  );
});

const nodes = (...made: ReadonlyArray<ReturnType<typeof node>>) =>
  new Map(made.map((one) => [one.metadata.name, one]));
const CLUSTER = nodes(node("a"), node("b"), node("c"), node("d"));

describe("what counts", () => {
  it("is in flight, not Ready, or cordoned by anyone, each node once", () => {
    const cluster = nodes(
      node("a"),
      node("b", { ready: false }),
      node("c", { unschedulable: true }),
      node("d", { ready: false, unschedulable: true }),
    );
    expect([...occupancyOf(ceiling("9"), cluster, ["a", "b"]).taken].toSorted()).toEqual([
      "a",
      "b",
      "c",
      "d",
    ]);
  });
  it("lets a node start that is cordoned already, and no other beyond the ceiling", () => {
    const occupancy = occupancyOf(
      ceiling("2"),
      nodes(node("a"), node("b", { unschedulable: true })),
      ["c"],
    );
    const none = new Map();
    expect(ceilingObstacle(occupancy, "b", none)).toBeUndefined();
    expect(ceilingObstacle(occupancy, "a", none)).toEqual({
      reason: "CeilingReached",
      message: "the operator's --max-unavailable is 2: c, b are in flight or unavailable",
    });
    expect(ceilingObstacle(undefined, "a", none)).toBeUndefined();
  });
  it("includes the claims of the same pass", () => {
    const cluster = [node("a"), node("b"), node("c")];
    const seen = observed({
      operation: operation({ spec: { concurrency: 0 } }),
      nodes: cluster,
      change: { occupancy: occupancyOf(ceiling("2"), nodes(...cluster), []) },
    });
    const { obstacles, starts = [] } = decide(seen).outlook();
    expect([...starts]).toEqual(["a", "b"]);
    expect([...obstacles.keys()]).toEqual(["c"]);
  });
});

const OTHER = "default/other@other-uid";
const mine = (status: object = {}) =>
  operation({ status: { observedGeneration: 1, ...status }, metadata: { resourceVersion: "7" } });
const other = (version: string, entries: object = {}) =>
  operation({
    status: { observedGeneration: 1, nodeStatuses: entries },
    metadata: { name: "other", uid: "other-uid", resourceVersion: version },
  });
const RUNNING = entry("b", { phase: "Running", stage: "Upgrading" });
const DONE = entry("b", { phase: "Completed", rebootStatus: "completed" });

const entering = (book: Book, operations: Operations, limit: string, ...names: Array<string>) =>
  enter({
    book,
    operations,
    operation: mine(),
    nodes: names,
    occupancy: occupancyOf(ceiling(limit), CLUSTER, []),
  });

describe("the book", () => {
  const line = { node: "b", by: OTHER, at: "3" };
  const CASES: ReadonlyArray<readonly [string, Operations, boolean]> = [
    ["its node is in flight", new Map([[OTHER, other("9", { b: RUNNING })]]), true],
    ["its claim may yet come", new Map([[OTHER, other("3")]]), true],
    ["nothing is known of its operation", new Map([[OTHER, "unreadable"]]), true],
    ["its operation is another version without the claim", new Map([[OTHER, other("4")]]), false],
    ["its node has ended", new Map([[OTHER, other("9", { b: DONE })]]), false],
    ["its operation is gone", new Map([[OTHER, "gone"]]), false],
  ];
  it.each(CASES)("has a line that %s: counts %#", (_name, operations, counts) => {
    expect(withoutDead([line], operations)).toEqual(counts ? [line] : []);
  });

  it("takes lines in the version in which they are claimed, and strikes out dead ones", () => {
    expect(entering([line], new Map([[OTHER, "gone"]]), "1", "a")).toEqual({
      _tag: "Entered",
      book: [{ node: "a", by: MINE, at: "7" }],
    });
  });
  it("needs no write for lines that are there in this version, and one for those of an earlier one", () => {
    const there: Book = [{ node: "a", by: MINE, at: "7" }];
    const known: Operations = new Map([[MINE, mine()]]);
    expect(entering(there, known, "1", "a")).toEqual({ _tag: "Entered", book: there });
    const earlier = [{ node: "a", by: MINE, at: "6" }];
    expect(entering(earlier, known, "1", "a")).toEqual({ _tag: "Entered", book: there });
  });
  it("is full when all nodes do not fit, whoever has the others", () => {
    const operations: Operations = new Map([[OTHER, other("3")]]);
    const full = { _tag: "Full", taken: new Set(["b"]), hasStale: false };
    expect(entering([line], operations, "1", "a")).toEqual(full);
    expect(entering([line], operations, "2", "a", "c")).toEqual(full);
    expect(entering([line], operations, "3", "a", "c")._tag).toBe("Entered");
  });
  it("tells an operation that it is its own line for another node that is in the way", () => {
    const own: Book = [{ node: "b", by: MINE, at: "7" }];
    expect(entering(own, new Map([[MINE, mine()]]), "1", "a")).toMatchObject({ hasStale: true });
  });
  it("is read as it was written, and is none when it is something else", () => {
    expect(readBook(writeBook([line]))).toEqual([line]);
    expect(readBook(undefined)).toEqual([]);
    for (const text of ["", "{}", '[{"node": 1}]']) expect(readBook(text)).toBeUndefined();
  });
});
