import { describe, expect, it } from "@effect/vitest";
import { Schema } from "effect";
import {
  childLabels,
  holder,
  LABEL_NODE,
  LABEL_NODEOP,
  LABEL_PREFLIGHT,
  LABEL_REBOOT,
  labelValue,
  parseHolder,
} from "../../src/domain/labels.ts";

const VALID = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/u;

describe("labelValue", () => {
  it.each(["", "a", "worker-1.example.com", "A_b-C.9", "x".repeat(63)])(
    "leaves the valid value %j as it is",
    (text) => {
      expect(labelValue(text)).toBe(text);
    },
  );

  it.each([
    "x".repeat(64),
    "-a",
    "a.",
    "a b",
    "ä",
    "a\n",
    "$(reboot)",
    "___",
    "\u{1F600}".repeat(40),
    `${"x".repeat(50)}.${"y".repeat(20)}`,
    `${"x".repeat(51)}-${"y".repeat(20)}`,
  ])("makes %j a valid value", (text) => {
    const value = labelValue(text);
    expect(value).not.toBe(text);
    expect(value).toMatch(VALID);
    expect(value.length).toBeLessThanOrEqual(63);
    expect(value).not.toBe("");
  });

  it.prop(
    "is valid for any text, the identity on valid ones, and settles at once",
    { text: Schema.String },
    ({ text }) => {
      const value = labelValue(text);
      expect(value.length <= 63 && VALID.test(value)).toBe(true);
      expect(value === text).toBe(text.length <= 63 && VALID.test(text));
      expect(labelValue(value)).toBe(value);
    },
    { arbitrary: { runs: 500, seed: "labels" } },
  );

  it("tells 10,000 names of 253 characters apart that differ anywhere", () => {
    const values = new Set<string>();
    for (let index = 0; index < 10_000; index++) {
      const digits = String(index).padStart(5, "0");
      values.add(labelValue(`${"a".repeat(120)}${digits}${"b".repeat(128)}`));
    }
    expect(values.size).toBe(10_000);
  });

  it("tells texts apart that look alike once their characters are replaced", () => {
    expect(new Set(["a b", "a/b", "a:b", "a-b"].map(labelValue)).size).toBe(4);
  });
});

describe("childLabels", () => {
  const op = { name: "op" };
  const node = { name: "n".repeat(100) };

  it("names operation and node on every child, and what the Pod is for", () => {
    const common = { [LABEL_NODEOP]: "op", [LABEL_NODE]: labelValue(node.name) };
    expect(childLabels(op, node, "job")).toEqual(common);
    expect(childLabels(op, node, "reboot")).toEqual({ ...common, [LABEL_REBOOT]: "true" });
    expect(childLabels(op, node, "preflight")).toEqual({ ...common, [LABEL_PREFLIGHT]: "true" });
  });
});

describe("holder", () => {
  const op = { namespace: "default", name: "kairos-upgrade.v3", uid: "6f1c9f0e-6a0f" };

  it("is <namespace>/<name>@<uid>, and is read back", () => {
    expect(holder(op)).toBe("default/kairos-upgrade.v3@6f1c9f0e-6a0f");
    expect(parseHolder(holder(op))).toEqual(op);
  });

  it.each([
    "",
    "a",
    "a/b",
    "a/b@",
    "/b@c",
    "a/@c",
    "a@c",
    "a/b@c@d",
    "a/b/c@d",
    "a/b@c/d",
    "a@b/c",
  ])("does not take %j for one", (text) => {
    expect(parseHolder(text)).toBeUndefined();
  });
});
