/** Selectors as text, as list and watch requests carry them (apimachinery labels.Parse and fields.ParseSelector). */
import { Result } from "effect";
import type { Requirement } from "./requirement.ts";
import { int64, keyProblem, valueProblem, valueSet } from "./requirement.ts";

type Parsed<A> = Result.Result<A, string>;

const SPECIAL: ReadonlySet<string> = new Set(["==", "!=", "=", "!", "(", ")", ",", "<", ">", ""]);

/** A key or a value, also the words `in` and `notin` where one of these is due. */
const isIdentifier = (token: string): boolean => !SPECIAL.has(token);

/** Reads the tokens of a selector one after the other; past the end there are empty ones. */
class Cursor {
  readonly #tokens: ReadonlyArray<string>;
  #position = 0;

  constructor(text: string) {
    this.#tokens = text.match(/==|!=|[=!(),<>]|[^=!(),<> \t\r\n]+/gu) ?? [];
  }

  get next(): string {
    return this.#tokens[this.#position] ?? "";
  }

  take(): string {
    const token = this.next;
    this.#position += 1;
    return token;
  }
}

const expected = (found: string, what: string): Parsed<never> =>
  Result.fail(`found '${found}', expected: ${what}`);

/** The words after `(`. An omitted value is the empty one: `(a,,b)`, `(,a)`, `(a,)`. */
const parseIdentifiers = (cursor: Cursor): Parsed<ReadonlyArray<string>> => {
  const values: Array<string> = [];
  for (;;) {
    const token = cursor.take();
    if (isIdentifier(token)) {
      values.push(token);
      if (cursor.next === ")") return Result.succeed(values);
      if (cursor.next !== ",") return expected(cursor.next, "',' or ')'");
    } else if (token === ",") {
      if (values.length === 0 || cursor.next === ")" || cursor.next === ",") values.push("");
      if (cursor.next === ")") return Result.succeed(values);
      if (cursor.next === ",") cursor.take();
    } else {
      return expected(token, "',', or identifier");
    }
  }
};

/** `(a,b)`; `()` is the one empty value. */
const parseValues = (cursor: Cursor): Parsed<ReadonlyArray<string>> => {
  const open = cursor.take();
  if (open !== "(") return expected(open, "'('");
  const empty = cursor.next === ")";
  if (!empty && cursor.next !== "," && !isIdentifier(cursor.next)) {
    return expected(cursor.next, "',', ')' or identifier");
  }
  const values = empty ? Result.succeed([""]) : parseIdentifiers(cursor);
  cursor.take();
  return values;
};

/** The value after `=`, `!=`, `<` or `>`; nothing is the empty one. */
const parseExactValue = (cursor: Cursor): Parsed<ReadonlyArray<string>> => {
  if (cursor.next === "" || cursor.next === ",") return Result.succeed([""]);
  const value = cursor.take();
  return isIdentifier(value) ? Result.succeed([value]) : expected(value, "identifier");
};

const OPERATORS: ReadonlyMap<string, Requirement["operator"]> = new Map([
  ["in", "In"],
  ["notin", "NotIn"],
  ["=", "In"],
  ["==", "In"],
  ["!=", "NotIn"],
  [">", "Gt"],
  ["<", "Lt"],
]);

const checked = (requirement: Requirement): Parsed<Requirement> => {
  const { key, operator, values } = requirement;
  if ((operator === "Gt" || operator === "Lt") && int64(values[0] ?? "") === undefined) {
    return Result.fail(
      `values[0]: Invalid value: "${values[0]}": for 'Gt', 'Lt' operators, the value must be an integer`,
    );
  }
  for (const [index, value] of values.entries()) {
    const problem = valueProblem(value);
    if (problem !== undefined) {
      return Result.fail(`values[${index}][${key}]: Invalid value: "${value}": ${problem}`);
    }
  }
  return Result.succeed(requirement);
};

const parseRequirement = (cursor: Cursor): Parsed<Requirement> => {
  const negated = cursor.next === "!";
  if (negated) cursor.take();
  const key = cursor.take();
  if (!isIdentifier(key)) return expected(key, "identifier");
  const problem = keyProblem(key);
  if (problem !== undefined) return Result.fail(`key: Invalid value: "${key}": ${problem}`);
  if (negated) return Result.succeed({ key, operator: "DoesNotExist", values: [] });
  if (cursor.next === "" || cursor.next === ",") {
    return Result.succeed({ key, operator: "Exists", values: [] });
  }
  const sign = cursor.take();
  const operator = OPERATORS.get(sign);
  if (operator === undefined) return expected(sign, [...OPERATORS.keys()].join(", "));
  const values = sign === "in" || sign === "notin" ? parseValues(cursor) : parseExactValue(cursor);
  return Result.flatMap(values, (some) => checked({ key, operator, values: valueSet(some) }));
};

/**
 * A `labelSelector` parameter as conditions, all of which must be met; "" is none. `key`, `!key`, `=`, `==`, `!=`, `<`,
 * `>`, `in (…)` and `notin (…)`, separated by commas, with white space anywhere. The failure says what was found and
 * expected, in Kubernetes' words.
 */
export const parseLabelSelector = (text: string): Parsed<ReadonlyArray<Requirement>> => {
  const cursor = new Cursor(text);
  const requirements: Array<Requirement> = [];
  if (cursor.next === "") return Result.succeed(requirements);
  if (cursor.next !== "!" && !isIdentifier(cursor.next)) {
    return expected(cursor.next, "!, identifier, or 'end of string'");
  }
  for (;;) {
    const requirement = parseRequirement(cursor);
    if (Result.isFailure(requirement)) {
      return Result.fail(`unable to parse requirement: ${requirement.failure}`);
    }
    requirements.push(requirement.success);
    const separator = cursor.take();
    if (separator === "") return Result.succeed(requirements);
    if (separator !== ",") return expected(separator, "',' or 'end of string'");
    if (cursor.next !== "!" && !isIdentifier(cursor.next)) {
      return expected(cursor.next, "identifier after ','");
    }
  }
};

/** One condition on a field, such as `spec.nodeName=worker-1`; `==` is `=`. */
export interface FieldRequirement {
  readonly path: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** The text between commas that no backslash escapes. */
const termsOf = (text: string): ReadonlyArray<string> =>
  text.match(/(?:\\[^]|[^\\,]|\\$)+/gu) ?? [];

/** A value as it was before `\`, `,` and `=` were escaped with a backslash. */
const unescaped = (value: string): Parsed<string> => {
  const wrong = value.replaceAll(/\\[\\,=]/gu, "");
  const sequence = /\\[^]?/u.exec(wrong);
  if (sequence !== null) {
    return Result.fail(`invalid field selector: invalid escape sequence: ${sequence[0]}`);
  }
  const rune = /[,=]/u.exec(wrong);
  if (rune !== null) {
    return Result.fail(`invalid field selector: unescaped character in value: ${rune[0]}`);
  }
  return Result.succeed(value.replaceAll(/\\([\\,=])/gu, "$1"));
};

/**
 * A `fieldSelector` parameter as conditions, all of which must be met; empty terms are none. Which paths a resource
 * supports is the server's business. White space belongs to path and value, as in Kubernetes.
 */
export const parseFieldSelector = (text: string): Parsed<ReadonlyArray<FieldRequirement>> => {
  const requirements: Array<FieldRequirement> = [];
  for (const term of termsOf(text)) {
    const sign = /!=|==|=/u.exec(term);
    if (sign === null) {
      return Result.fail(`invalid selector: '${text}'; can't understand '${term}'`);
    }
    const value = unescaped(term.slice(sign.index + sign[0].length));
    if (Result.isFailure(value)) return Result.fail(value.failure);
    requirements.push({
      path: term.slice(0, sign.index),
      operator: sign[0] === "!=" ? "!=" : "=",
      value: value.success,
    });
  }
  return Result.succeed(requirements);
};
