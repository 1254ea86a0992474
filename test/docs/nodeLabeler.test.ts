/** docs/node-labeler.md lists the keys that the labeler keeps, and where their values come from. */
import { describe, expect, it } from "@effect/vitest";
import { OWN_LABELS, RELEASE_ANNOTATIONS, RELEASE_LABELS } from "../../src/domain/labeler/keys.ts";
import { codeSpans, document, rowsWith } from "./documents.ts";

const { text } = document("docs/node-labeler.md");

/** The keys in the table whose first column has this title, in its order, each with what stands in code beside it. */
const listed = (
  title: string,
  beside: string,
): ReadonlyArray<readonly [string, ReadonlyArray<string>]> =>
  rowsWith(text, title, beside).map((row) => [codeSpans(row[title]!)[0]!, codeSpans(row[beside]!)]);

describe("docs/node-labeler.md", () => {
  it("lists every label, and for each the assignments that it is made of", () => {
    const labels = listed("label", "from the release file, or");
    expect(labels.map(([key]) => key).toSorted()).toEqual([...OWN_LABELS].toSorted());
    const fromRelease = labels.filter(([key]) => key in RELEASE_LABELS);
    expect(Object.fromEntries(fromRelease)).toEqual(RELEASE_LABELS);
  });

  it("lists every annotation, and for each the assignment that it is made of", () => {
    expect(Object.fromEntries(listed("annotation", "from the release file"))).toEqual(
      RELEASE_ANNOTATIONS,
    );
  });
});
