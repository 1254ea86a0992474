/** What documents say of the code is true of it: paths, links, functions, stages, laws, versions. */
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import { NodeStage } from "../../src/domain/api/status.ts";
import { codeSpans, document, documents, linkTargets, ROOT, rowsWith } from "./documents.ts";

const exists = (path: string): boolean => existsSync(join(ROOT, path));

/** A path from the root of the repository: below one of its folders, without a pattern in it. */
const PATH = /^(?:src|test|docs|examples|deploy|scripts|bin|\.ci)(?:\/[\w.-]+)+\/?$/u;

/** `name` in a cell with nothing else. */
const code = (cell: string): string =>
  /^`([^`]+)`$/u.exec(cell)?.[1] ?? `not one code span: ${cell}`;

const declares = (file: string, name: string): boolean =>
  new RegExp(`^(?:export )?(?:const|function|class) ${name}\\b`, "mu").test(document(file).text);

describe.each(documents().map(({ path }) => path))("%s", (path) => {
  const { text } = document(path);

  it("names only files and folders that exist", () => {
    const missing = codeSpans(text).filter((span) => PATH.test(span) && !exists(span));
    expect(missing).toEqual([]);
  });

  it("links only to what exists", () => {
    const missing = linkTargets(text)
      .filter((target) => !target.includes("://"))
      .filter((target) => !exists(normalize(join(dirname(path), target.replace(/#.*$/u, "")))));
    expect(missing).toEqual([]);
  });
});

describe("docs/architecture.md", () => {
  const { text } = document("docs/architecture.md");

  it("names functions that are declared in the files it names", () => {
    const rows = rowsWith(text, "function", "file");
    const wrong = rows.filter((row) => !declares(code(row["file"]!), code(row["function"]!)));
    expect(wrong).toEqual([]);
    expect(rows.length).toBeGreaterThan(60);
  });

  it("says of each rule once where it lives", () => {
    const rules = rowsWith(text, "rule", "function", "file");
    const places = rules.map((row) => `${row["function"]} in ${row["file"]}`);
    expect(places.filter((place, index) => places.indexOf(place) !== index)).toEqual([]);
  });

  it("tells the way of a node through every stage there is, in the order in which the API lists them", () => {
    const stages = rowsWith(text, "stage", "file").map((row) => code(row["stage"]!));
    expect(stages).toEqual([...NodeStage.literals]);
  });

  it("names for each stage the file that decides on it", () => {
    const wrong = rowsWith(text, "stage", "file").filter(
      (row) => !declares(code(row["file"]!), code(row["stage"]!).toLowerCase()),
    );
    expect(wrong).toEqual([]);
  });
});

describe("docs/dependencies.md", () => {
  type Versions = Readonly<Record<string, string>>;
  const manifest = JSON.parse(document("package.json").text) as {
    readonly dependencies: Versions;
    readonly devDependencies: Versions;
    readonly peerDependencies: Versions;
  };
  const rows = rowsWith(document("docs/dependencies.md").text, "package", "version", "reason");

  it("lists every dependency in the version that package.json has, and no other", () => {
    const listed = Object.fromEntries(rows.map((row) => [code(row["package"]!), row["version"]]));
    expect(listed).toEqual({ ...manifest.dependencies, ...manifest.devDependencies });
  });

  it("allows applications the patch releases of the peers that are tested", () => {
    for (const [name, range] of Object.entries(manifest.peerDependencies))
      expect(range).toBe(`~${manifest.devDependencies[name]}`);
  });

  it("gives a reason for each", () => {
    expect(rows.filter((row) => row["reason"] === "")).toEqual([]);
  });
});
