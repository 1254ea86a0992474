/** What differs between two versions of an object, worked out, told, or remembered. */
import { describe, expect, it } from "@effect/vitest";
import {
  changedFields,
  changeTo,
  knownChange,
  noteChange,
} from "../../../src/domain/kube/changes.ts";
import { mergePatchBetween } from "../../../src/domain/kube/mergePatch.ts";

const same = { n: 1 };

const isExtension = (
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
) => {
  changedFields(before, after);
  return changeTo(after)?.isExtension;
};

describe("changedFields", () => {
  it("names what was set or replaced, in the order of the new version", () => {
    expect(changedFields({ a: same, b: { n: 1 } }, { a: same, b: { n: 1 }, d: 4, c: 3 })).toEqual([
      "b",
      "d",
      "c",
    ]);
  });

  it("names what is gone last", () => {
    expect(changedFields({ a: same, b: 1, c: 2 }, { c: 3, a: same })).toEqual(["c", "b"]);
  });

  it("finds a field that was replaced by another, although there are as many as before", () => {
    expect(changedFields({ a: same, b: 1 }, { a: same, c: 1 })).toEqual(["c", "b"]);
  });

  it("sees a new field that comes first, as names that are numbers do", () => {
    expect(changedFields({ a: same }, { a: same, 7: 1 })).toEqual(["7"]);
  });

  it("takes inherited names for fields like any others", () => {
    expect(changedFields({}, { constructor: 1 })).toEqual(["constructor"]);
    expect(changedFields({ constructor: 1, a: 2 }, { a: 2 })).toEqual(["constructor"]);
  });

  it("finds nothing between a version and itself, or one with the very same values", () => {
    const version = { a: same };
    expect(changedFields(version, version)).toEqual([]);
    expect(changedFields(version, { ...version })).toEqual([]);
  });
});

describe("what is remembered", () => {
  it("tells an extension, whose first fields are the old ones, from any other change", () => {
    expect(isExtension({ a: 1, b: 2 }, { a: 3, b: 2, c: 1 })).toBe(true);
    expect(isExtension({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe(false);
    expect(isExtension({ a: 1, b: 2 }, { a: 1 })).toBe(false);
    expect(isExtension({ a: 1 }, { 7: 1, a: 1 })).toBe(false);
  });

  it("is given to the next who asks for the same two versions, and to nobody else", () => {
    const [before, after] = [{ a: 1 }, { a: 2 }];
    expect(knownChange(before, after)).toBeUndefined();
    const names = changedFields(before, after);
    expect(knownChange(before, after)?.names).toBe(names);
    expect(changeTo(after)?.before).toBe(before);
    expect(knownChange(after, before)).toBeUndefined();
    expect(changeTo(before)).toBeUndefined();
  });

  it("is forgotten after a few others, and then worked out again", () => {
    const [before, after] = [{ a: 1 }, { a: 2 }];
    changedFields(before, after);
    for (let other = 0; other < 100; other++) changedFields({}, { other });
    expect(changeTo(after)).toBeUndefined();
    expect(changedFields(before, after)).toEqual(["a"]);
  });

  it("gives the same merge patch as looking at every field", () => {
    const before = { kept: same, changed: { x: 1, y: 1 }, gone: 1 };
    const after = { kept: same, changed: { x: 2, y: 1 }, added: 1 };
    const expected = { changed: { x: 2 }, gone: null, added: 1 };
    expect(mergePatchBetween({ ...before }, { ...after })).toEqual(expected);
    noteChange({ before, after, names: ["changed", "gone", "added"], isExtension: false });
    expect(mergePatchBetween(before, after)).toEqual(expected);
  });
});
