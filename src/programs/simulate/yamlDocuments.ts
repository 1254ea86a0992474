/** Reads the documents of a YAML file, and says in one sentence each, with line and column, what is wrong with it. */
import { Option, Result } from "effect";
import {
  type Alias,
  type Document,
  isAlias,
  isNode,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLError,
} from "yaml";

/** A file as it was read: its path, for sentences, and its text. */
export interface ManifestFile {
  readonly path: string;
  readonly text: string;
}

/** A value of a file, and the line that it starts in. */
export interface YamlValue {
  readonly value: unknown;
  readonly line: number;
}

/** What a file holds, and what is wrong with it: sentences that begin with file, line and column. */
export interface YamlFile {
  readonly values: ReadonlyArray<YamlValue>;
  readonly problems: ReadonlyArray<string>;
}

/** So often may aliases repeat what they stand for, all in all: a small file must not become a huge object. */
const ALIASES_MAX = 100;

/** What to do about the mistakes that people make; for others the parser's words say enough. */
const ADVICE: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "tabs are not allowed as indentation; indent with spaces",
  DUPLICATE_KEY: "the key is given twice in one object; leave one of them out",
  BAD_INDENT: "the indentation fits no line above; keys of one object start in the same column",
  BLOCK_AS_IMPLICIT_KEY:
    'a second ": " in one line; put the value in quotes, or the inner key on a line of its own',
};

const NESTED_TOO_DEEPLY = "it is nested too deeply; write it flatter";

const sentenceOf = ({ code, message }: YAMLError): string => {
  if (message.includes("call stack")) return NESTED_TOO_DEEPLY;
  if (message.startsWith("Flow "))
    return "a { or [ is not closed, or what is in it is not indented; close it with } or ]";
  if (message.startsWith("Missing closing"))
    return `a ${message.includes('"') ? 'double quote (")' : "single quote (')"} is not closed; close it`;
  return ADVICE[code] ?? `${message.charAt(0).toLowerCase()}${message.slice(1)}`;
};

/** The values of a file: of each document, and of each item of a `List`, as `kubectl get -o yaml` prints it. */
export const yamlDocuments = ({ path, text }: ManifestFile): YamlFile => {
  // U+FFFD is what bytes that are no UTF-8 were read as, U+0000 what no text has.
  if (/[\0\uFFFD]/u.test(text))
    return { values: [], problems: [`${path}: is not text in UTF-8; name a YAML file`] };
  const lines = new LineCounter();
  const parsed = Result.try(() =>
    parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, merge: true }),
  );
  // The parser has no answer but a stack overflow.
  if (Result.isFailure(parsed))
    return { values: [], problems: [`${path}:1:1: not YAML: ${NESTED_TOO_DEEPLY}`] };
  const read = (document: Document): YamlFile => readDocument(path, document, lines);
  const documents = "empty" in parsed.success ? [] : parsed.success.map(read);
  return {
    values: documents.flatMap(({ values }) => values),
    problems: documents.flatMap(({ problems }) => problems),
  };
};

const wrong = (problem: string): YamlFile => ({ values: [], problems: [problem] });

const readDocument = (path: string, document: Document, lines: LineCounter): YamlFile => {
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}: not YAML:`;
  };
  // What follows the first mistake is often its consequence.
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) return wrong(`${at(error.pos[0])} ${sentenceOf(error)}`);
  const misused = misusedAlias(document);
  if (misused !== undefined)
    return wrong(`${at(misused.alias.range?.[0] ?? 0)} ${misused.sentence}`);
  const value = Result.try((): unknown => document.toJS({ maxAliasCount: ALIASES_MAX }));
  if (Result.isFailure(value))
    return wrong(
      `${at(firstAlias(document)?.range?.[0] ?? 0)} aliases repeat more than can be meant; write the values out`,
    );
  return { values: valuesOf(document, value.success, lines), problems: [] };
};

const valuesOf = (
  document: Document,
  value: unknown,
  lines: LineCounter,
): ReadonlyArray<YamlValue> => {
  // `---` with nothing after it.
  if (value === null || value === undefined) return [];
  const lineOf = (node: unknown): number =>
    lines.linePos((isNode(node) ? node.range?.[0] : undefined) ?? 0).line;
  if (typeof value === "object" && "kind" in value && value.kind === "List" && "items" in value) {
    const { items } = value;
    if (Array.isArray(items))
      return items.map((item: unknown, index) => ({
        value: item,
        line: lineOf(document.getIn(["items", index], true)),
      }));
  }
  return [{ value, line: lineOf(document.contents) }];
};

const firstAlias = (document: Document): Alias | undefined => {
  let first: Alias | undefined;
  visit(document, {
    Alias: (_, alias) => {
      first = alias;
      return visit.BREAK;
    },
  });
  return first;
};

/** An alias that stands for nothing, or for something that it is part of and that would never end. */
const misusedAlias = (document: Document) => {
  let misused: { readonly alias: Alias; readonly sentence: string } | undefined;
  visit(document, {
    Alias: (_, alias, ancestors) => {
      const anchored = Option.getOrUndefined(
        Result.getSuccess(Result.try(() => alias.resolve(document))),
      );
      const sentence = aliasProblem(alias, anchored, ancestors);
      if (sentence === undefined) return undefined;
      misused = { alias, sentence };
      return visit.BREAK;
    },
  });
  return misused;
};

const aliasProblem = (
  { source }: Alias,
  anchored: Node | undefined,
  ancestors: ReadonlyArray<unknown>,
): string | undefined => {
  if (anchored === undefined || isAlias(anchored))
    return `*${source} stands for nothing; write &${source} before the value that it is to repeat`;
  return ancestors.includes(anchored)
    ? `*${source} is part of what it stands for; write the value out`
    : undefined;
};
