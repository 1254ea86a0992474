/** The table of the Go operator's defects in docs/differences.md is complete, and the tests that it names exist. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { document, ROOT, rowsWith, type Row } from "./documents.ts";

/** How many defects the notes about the Go operator number. */
const DEFECTS = 65;
const NOT_YET = "not yet";

const rows = rowsWith(document("docs/differences.md").text, "defect", "test");

/** What is wrong with the test that a row names: `path`: part of its name. */
const problemOf = ({ defect, test = "" }: Row): ReadonlyArray<string> => {
  if (test === NOT_YET) return [];
  const [, path = "", name = ""] = /^`([^`]+\.test\.ts)`: (.+)$/u.exec(test) ?? [];
  if (name === "") return [`${defect}: "${test}" names no test`];
  if (!existsSync(join(ROOT, path))) return [`${defect}: there is no ${path}`];
  const text = readFileSync(join(ROOT, path), "utf8");
  return text.includes(name) ? [] : [`${defect}: ${path} has no test "${name}"`];
};

describe("the Go operator's defects", () => {
  it("are all there, in their order, each with what nodeop does", () => {
    expect(rows.map(({ defect }) => Number(defect))).toEqual(
      Array.from({ length: DEFECTS }, (_, index) => index + 1),
    );
    expect(rows.filter(({ nodeop }) => nodeop === "")).toEqual([]);
  });

  it("have each a test that exists, or say that there is none yet", () => {
    expect(rows.flatMap(problemOf)).toEqual([]);
  });

  it("a test that does not exist would be found", () => {
    const path = "test/docs/differences.test.ts";
    expect(
      problemOf({ defect: "1", test: `\`${path}\`: ${["a", "missing", "name"].join(" ")}` }),
    ).toHaveLength(1);
    expect(problemOf({ defect: "1", test: "`test/docs/none.test.ts`: any" })).toHaveLength(1);
    expect(problemOf({ defect: "1", test: "" })).toHaveLength(1);
  });
});
