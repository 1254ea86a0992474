import { describe, expect, it } from "@effect/vitest";
import { Schema } from "effect";
import { childNames, fingerprint, NAME_LENGTH_MAX } from "../../src/domain/names.ts";

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/u;
const SUFFIX = /-[bcdfghjklmnpqrstvwxz2456789]{5}$/u;

const Name = Schema.String.check(
  Schema.isPattern(
    /^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?){0,3}$/u,
  ),
);
const Named = Schema.Struct({ name: Name, uid: Schema.String });

const all = (op: typeof Named.Type, node: typeof Named.Type): ReadonlyArray<string> =>
  Object.values(childNames(op, node));

/** How many different names the children of `count` nodes have; those that are no DNS label count as one. */
const distinct = (opName: string, count: number, nodeName: (index: number) => string): number => {
  const op = { name: opName, uid: "6f1c9f0e-6a0f-4c3e-9f57-1b1d2ad6c001" };
  const names = new Set<string>();
  for (let index = 0; index < count; index++) {
    const node = { name: nodeName(index), uid: `00000000-0000-4000-8000-${String(index)}` };
    for (const name of all(op, node)) {
      names.add(DNS_LABEL.test(name) && name.length <= NAME_LENGTH_MAX ? name : "invalid");
    }
  }
  return names.size;
};

describe("childNames", () => {
  it("has the documented form <op>-<node>-<5 characters>, the same five for all children", () => {
    const { job, rebootPod, preflightPod } = childNames(
      { name: "kairos-upgrade", uid: "a" },
      { name: "localhost", uid: "b" },
    );
    const suffix = job.slice(-5);
    expect(job).toBe(`kairos-upgrade-localhost-${suffix}`);
    expect(rebootPod).toBe(`kairos-upgrade-reboot-localhost-${suffix}`);
    expect(preflightPod).toBe(`kairos-upgrade-preflight-localhost-${suffix}`);
    expect(job).toMatch(SUFFIX);
  });

  it("makes the dots of a node's domain name dashes", () => {
    const { job } = childNames({ name: "v3.4.2", uid: "a" }, { name: "w1.example.com", uid: "b" });
    expect(job).toMatch(/^v3-4-2-w1-example-com-.{5}$/u);
  });

  it("gives a node or an operation made again under its old name new children", () => {
    const op = { name: "op", uid: "1" };
    const node = { name: "node", uid: "2" };
    const first = childNames(op, node);
    expect(childNames({ ...op, uid: "3" }, node).job).not.toBe(first.job);
    expect(childNames(op, { ...node, uid: "3" }).job).not.toBe(first.job);
    expect(childNames({ ...op, uid: "2" }, { ...node, uid: "1" }).job).not.toBe(first.job);
  });

  it("keeps the suffix when the readable part is cut", () => {
    const short = childNames({ name: "op", uid: "1" }, { name: "n", uid: "2" });
    const long = childNames(
      { name: "o".repeat(253), uid: "1" },
      { name: "n".repeat(253), uid: "2" },
    );
    expect(long.job.slice(-6)).toBe(short.job.slice(-6));
  });

  it("tells names apart by what was cut, too, not by the suffix alone", () => {
    const op = { name: "op", uid: "1" };
    const end = "-same-end".repeat(10);
    const one = childNames(op, { name: `one${end}`, uid: "2" }).job;
    const other = childNames(op, { name: `other${end}`, uid: "2" }).job;
    expect(one.slice(-6)).toBe(other.slice(-6));
    expect(one).not.toBe(other);
  });

  it("keeps the beginning of the operation, what the Pod is for, and the end of the node when cut", () => {
    const names = childNames(
      { name: `kairos-upgrade-${"x".repeat(60)}`, uid: "1" },
      { name: `${"edge-".repeat(20)}worker-17`, uid: "2" },
    );
    expect(names.job).toMatch(/^kairos-upgrade-x+-[^-]{6}-.*worker-17-.{5}$/u);
    expect(names.rebootPod).toMatch(/^kairos-upgrade-.*-reboot-[^-]{6}-.*worker-17-.{5}$/u);
    expect(names.preflightPod).toMatch(/^kairos-upgrade-.*-preflight-[^-]{6}-.*worker-17-.{5}$/u);
    expect(names.job.length).toBeGreaterThan(60);
  });

  it("uses all 63 characters before it cuts", () => {
    const fits = childNames({ name: "a".repeat(28), uid: "1" }, { name: "b".repeat(28), uid: "2" });
    expect(fits.job).toBe(`${"a".repeat(28)}-${"b".repeat(28)}-${fits.job.slice(-5)}`);
    expect(fits.job.length).toBe(63);
    const cut = childNames({ name: "a".repeat(28), uid: "1" }, { name: "b".repeat(29), uid: "2" });
    expect(cut.job).toMatch(/^a+-[^-]{6}-b+-.{5}$/u);
  });

  // Defect 56 of the original: `kairos-upgrade-worker-000000000000000000001.-d8cb337188ef`.
  it("never leaves a dash or a dot at a cut", () => {
    for (let length = 1; length < 120; length++) {
      const dots = `${"a.".repeat(length)}z`;
      const dashes = `${"a-".repeat(length)}z`;
      for (const name of all({ name: dashes, uid: "1" }, { name: dots, uid: "2" })) {
        expect(name).toMatch(DNS_LABEL);
        expect(name).not.toContain("--");
      }
    }
  });

  it.prop(
    "is a valid DNS label of at most 63 characters, and the same every time",
    { op: Named, node: Named },
    ({ op, node }) => {
      const names = all(op, node);
      expect(all(op, node)).toEqual(names);
      expect(new Set(names).size).toBe(3);
      for (const name of names) {
        expect(name).toMatch(DNS_LABEL);
        expect(name).toMatch(SUFFIX);
        expect(name.length).toBeLessThanOrEqual(NAME_LENGTH_MAX);
      }
    },
    { arbitrary: { runs: 500, seed: "names" } },
  );

  it("tells 10,000 nodes with long common beginnings, or endings, or both, apart", () => {
    const long = "rack-of-a-data-center-with-a-long-name".repeat(3);
    expect(distinct("kairos-upgrade", 10_000, (index) => `${long}-${index}`)).toBe(30_000);
    expect(distinct("kairos-upgrade", 10_000, (index) => `n${index}.${long}`)).toBe(30_000);
    expect(distinct("o".repeat(253), 10_000, (index) => `${long}-${index}-${long}`)).toBe(30_000);
  });
});

describe("fingerprint", () => {
  it("tells apart where one part ends and the next begins", () => {
    expect(fingerprint(11, "a", "bc")).not.toBe(fingerprint(11, "ab", "c"));
  });

  it("spreads similar texts evenly over its alphabet at every position (chi-square, 26 degrees)", () => {
    const samples = 27_000;
    const counts = Array.from({ length: 11 }, () => new Map<string, number>());
    for (let index = 0; index < samples; index++) {
      const text = fingerprint(11, "kairos-upgrade", `worker-${index}`);
      for (const [position, count] of counts.entries()) {
        const character = text.charAt(position);
        count.set(character, (count.get(character) ?? 0) + 1);
      }
    }
    const expected = samples / 27;
    // The eleventh character holds what is left of 53 bits and is uneven by construction.
    for (const count of counts.slice(0, 10)) {
      expect(count.size).toBe(27);
      const chiSquare = [...count.values()].reduce(
        (sum, seen) => sum + (seen - expected) ** 2 / expected,
        0,
      );
      // Exceeded once in 100,000 draws of a fair alphabet.
      expect(chiSquare).toBeLessThan(66);
    }
  });
});
