/** The documents of this repository, and what a test wants of Markdown: tables, code spans, links, transcripts. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");

/** A document by its path from the root of the repository. */
export interface Document {
  readonly path: string;
  readonly text: string;
}

export const document = (path: string): Document => ({
  path,
  text: readFileSync(join(ROOT, path), "utf8"),
});

/** Everything written for readers, but for the model's page, which belongs to the model. */
export const documents = (): ReadonlyArray<Document> => [
  document("README.md"),
  document("CONTRIBUTING.md"),
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .toSorted()
    .map((name) => document(`docs/${name}`)),
];

/** What stands between backticks inside a line; fenced blocks are left out. */
export const codeSpans = (text: string): ReadonlyArray<string> =>
  [...withoutFences(text).matchAll(/`([^`\n]+)`/gu)].map(([, span]) => span!);

/** The targets of links. */
export const linkTargets = (text: string): ReadonlyArray<string> =>
  [...withoutFences(text).matchAll(/\]\(([^)\s]+)\)/gu)].map(([, target]) => target!);

const withoutFences = (text: string): string => text.replaceAll(/^```[\s\S]*?^```$/gmu, "");

/** A row of a table: its cells by the name of their column. */
export type Row = Readonly<Record<string, string>>;

/** The rows of all tables that have these columns. */
export const rowsWith = (text: string, ...columns: ReadonlyArray<string>): ReadonlyArray<Row> =>
  tables(text).filter((row) => columns.every((column) => column in row));

const tables = (text: string): ReadonlyArray<Row> => {
  const rows: Array<Row> = [];
  let header: ReadonlyArray<string> | undefined;
  for (const line of withoutFences(text).split("\n")) {
    if (!line.startsWith("|")) {
      header = undefined;
      continue;
    }
    const cells = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (header === undefined) header = cells;
    else if (!cells.every((cell) => /^:?-+:?$/u.test(cell)))
      rows.push(Object.fromEntries(header.map((name, index) => [name, cells[index] ?? ""])));
  }
  return rows;
};
