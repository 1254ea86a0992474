/** Turns what a schema found wrong with an object into sentences that say where it is and what to write. */
import { Match, Predicate, Schema, SchemaAST, SchemaIssue } from "effect";

/** One thing that is wrong: where in the object, and a sentence without a subject ("must be 0 or more, is -1"). */
export interface Problem {
  readonly path: ReadonlyArray<PropertyKey>;
  readonly sentence: string;
}

/** An object that does not follow its schema: `problems` has all that is wrong, each naming object and field. */
export class ApiProblems extends Schema.TaggedError<ApiProblems>()("ApiProblems", {
  /** Kind, namespace and name of the object: `NodeOpUpgrade default/kairos-upgrade`. */
  object: Schema.String,
  problems: Schema.Array(Schema.String),
}) {
  override get message() {
    return this.problems.join("\n");
  }
}

const QUOTE_LENGTH_MAX = 80;

/** A value as a person would quote it; of lists and objects only what they are. */
const quote = (value: unknown): string => {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const isJson = typeof value !== "number" || Number.isFinite(value);
  const json = (isJson ? JSON.stringify(value) : undefined) ?? String(value);
  return json.length > QUOTE_LENGTH_MAX ? `${json.slice(0, QUOTE_LENGTH_MAX)}…` : json;
};

/** What kind of value a schema wants, in OpenAPI's words. */
const expectation = (ast: SchemaAST.AST): string => {
  if (SchemaAST.isString(ast)) return "a string";
  if (SchemaAST.isBoolean(ast)) return "true or false";
  if (SchemaAST.isArrays(ast)) return "a list";
  if (SchemaAST.isObjects(ast)) return "an object";
  if (SchemaAST.isLiteral(ast)) return String(ast.literal);
  if (SchemaAST.isNumber(ast)) {
    const refined = ast.checks?.[0].annotations?.["expected"];
    return typeof refined === "string" ? refined : "a number";
  }
  if (!SchemaAST.isUnion(ast)) return OTHER_TYPE;
  // Null and never stand for Go's nil, which nobody is advised to write.
  const members = ast.types.filter((type) => !SchemaAST.isNull(type) && !SchemaAST.isNever(type));
  const names = [...new Set(members.map(expectation))];
  const isEnum = members.every(SchemaAST.isLiteral) && names.length > 1;
  return isEnum ? `one of ${names.join(", ")}` : names.join(" or ");
};

/** "must be an integer, is "3"": what was expected and what was found. */
export const mismatch = (expected: string, found: unknown): string =>
  `must be ${expected}, is ${quote(found)}`;

const failedCheck = ({ filter, input }: SchemaIssue.Filter): string => {
  const { message, expected } = filter.annotations ?? {};
  // It fails every check, whatever that is about.
  if (typeof input === "number" && !Number.isFinite(input)) return mismatch("a number", input);
  if (typeof message === "string") return message;
  return typeof expected === "string" ? mismatch(expected, input) : `must not be ${quote(input)}`;
};

const OTHER_TYPE = "another type of value";

/**
 * What is said twice is said once, and "another type" of value not at all where something better is known of the value or of
 * what is in it.
 */
const distinct = (problems: ReadonlyArray<Problem>): ReadonlyArray<Problem> => {
  const keys = problems.map(({ path }) => path.map((key) => `/${String(key)}`).join(""));
  const isVague = ({ sentence }: Problem) => sentence.startsWith(`must be ${OTHER_TYPE}`);
  return problems.filter((problem, index) => {
    const key = keys[index]!;
    const isSaid = problems.some(
      ({ sentence }, other) =>
        other < index && keys[other] === key && sentence === problem.sentence,
    );
    const isExplained = (other: string, at: number) =>
      (other === key || other.startsWith(`${key}/`)) && !isVague(problems[at]!);
    return !isSaid && !(isVague(problem) && keys.some(isExplained));
  });
};

/** All problems of an issue, in the order of the schema's fields. Decode with `errors: "all"` and `reportInput`. */
export const problemsOf = (issue: SchemaIssue.Issue): ReadonlyArray<Problem> =>
  distinct(problemsIn(issue, []));

const problemsIn = (
  issue: SchemaIssue.Issue,
  path: ReadonlyArray<PropertyKey>,
): ReadonlyArray<Problem> => {
  const one = (sentence: string): ReadonlyArray<Problem> => [{ path, sentence }];
  const other = (leaf: SchemaIssue.Leaf) => one(SchemaIssue.defaultLeafHook(leaf));
  return Match.valueTags(issue, {
    Pointer: (pointer) => problemsIn(pointer.issue, [...path, ...pointer.path]),
    Encoding: (encoding) => problemsIn(encoding.issue, path),
    Composite: ({ issues }) => issues.flatMap((each) => problemsIn(each, path)),
    // A check that names a field of its own explains itself; others are explained by their annotations.
    Filter: (check) =>
      Predicate.isTagged(check.issue, "InvalidValue")
        ? one(failedCheck(check))
        : problemsIn(check.issue, path),
    AnyOf: ({ ast, issues, input }) =>
      issues.length === 0
        ? one(mismatch(expectation(ast), input))
        : issues.flatMap((each) => problemsIn(each, path)),
    InvalidType: ({ ast, input }) => one(mismatch(expectation(ast), input)),
    MissingKey: ({ annotations }) => {
      const message = annotations?.messageMissingKey;
      return one(typeof message === "string" ? message : "is required");
    },
    InvalidValue: other,
    UnexpectedKey: other,
    Forbidden: other,
    OneOf: other,
  });
};

const isIdentifier = (key: string): boolean => /^[A-Za-z_$][\w$-]*$/u.test(key);

const formatPath = (path: ReadonlyArray<PropertyKey>): string =>
  path.reduce<string>((prefix, key) => {
    if (typeof key === "number") return `${prefix}[${key}]`;
    const name = String(key);
    if (!isIdentifier(name)) return `${prefix}[${JSON.stringify(name)}]`;
    return prefix === "" ? name : `${prefix}.${name}`;
  }, "");

/** `NodeOpUpgrade default/kairos-upgrade: spec.image: is required; …` */
export const formatProblem = (object: string, { path, sentence }: Problem): string =>
  path.length === 0 ? `${object}: ${sentence}` : `${object}: ${formatPath(path)}: ${sentence}`;
