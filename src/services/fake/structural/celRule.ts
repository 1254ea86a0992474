/**
 * `x-kubernetes-validations` compiled with @marcbachmann/cel-js, which has `has()`, the macros and optionals of
 * Kubernetes' CEL; the parts of Kubernetes' extension libraries that it lacks are added here as far as they are simple.
 * A rule that does not compile is refused with the CustomResourceDefinition, as the API server does.
 */
import { Environment, type ParseResult } from "@marcbachmann/cel-js";
import { field, isObject } from "../json.ts";

/** One compiled rule. */
export interface CelRule {
  readonly rule: string;
  readonly message: string | undefined;
  readonly reason: string | undefined;
  /** Appended to the path of the value: `.image`. */
  readonly fieldPath: string;
  /** Whether it compares with the old value, and so is not evaluated on creation. */
  readonly transition: boolean;
  readonly program: ParseResult;
  readonly messageProgram: ParseResult | undefined;
}

const toList = (list: unknown): ReadonlyArray<bigint | number | string> =>
  Array.isArray(list) ? list : [];

const isSorted = (list: unknown): boolean =>
  toList(list).every((item, index, all) => index === 0 || (all[index - 1] ?? item) <= item);

const least = (list: unknown, sign: 1 | -1): bigint | number | string => {
  const [first, ...rest] = toList(list);
  if (first === undefined) throw new Error("min/max called on empty list");
  return rest.reduce(
    (best, item) => ((sign === 1 ? item < best : item > best) ? item : best),
    first,
  );
};

const sum = (list: unknown): bigint | number => {
  const items = toList(list);
  return items.some((item) => typeof item === "number")
    ? items.reduce<number>((total, item) => total + Number(item), 0)
    : items.reduce<bigint>((total, item) => total + BigInt(item), 0n);
};

const environment = new Environment({
  enableOptionalTypes: true,
  homogeneousAggregateLiterals: false,
})
  .registerVariable("self", "dyn")
  .registerVariable("oldSelf", "dyn")
  .registerFunction(
    "string.replace(string, string): string",
    (text: string, a: string, b: string) => text.replaceAll(a, b),
  )
  .registerFunction(
    "string.find(string): string",
    (text: string, pattern: string) => new RegExp(pattern, "u").exec(text)?.[0] ?? "",
  )
  .registerFunction("string.findAll(string): list", (text: string, pattern: string) => [
    ...(text.match(new RegExp(pattern, "gu")) ?? []),
  ])
  .registerFunction("list.isSorted(): bool", isSorted)
  .registerFunction("list.sum(): dyn", sum)
  .registerFunction("list.min(): dyn", (list: unknown) => least(list, 1))
  .registerFunction("list.max(): dyn", (list: unknown) => least(list, -1));

const compile = (expression: string, path: string): ParseResult => {
  const program = environment.parse(expression);
  const check = program.check();
  if (!check.valid) {
    throw new Error(
      `CustomResourceDefinition: ${path}: the rule ${JSON.stringify(expression)} does not compile: ${check.error?.message ?? "unknown error"}`,
    );
  }
  return program;
};

const textIn = (rule: unknown, name: string): string | undefined => {
  const value = field(rule, name);
  return typeof value === "string" ? value : undefined;
};

/** The rules of one schema node at `path` (for messages). */
export const compileRules = (rules: ReadonlyArray<unknown>, path: string): ReadonlyArray<CelRule> =>
  rules.filter(isObject).map((written) => {
    const rule = textIn(written, "rule") ?? "";
    const messageExpression = textIn(written, "messageExpression");
    if (field(written, "optionalOldSelf") === true) {
      throw new Error(
        `CustomResourceDefinition: ${path}: the fake API server does not implement optionalOldSelf`,
      );
    }
    return {
      rule,
      message: textIn(written, "message"),
      reason: textIn(written, "reason"),
      // Map keys are written ['key'] in rules and [key] in errors.
      fieldPath: (textIn(written, "fieldPath") ?? "").replaceAll(/\['([^']*)'\]/gu, "[$1]"),
      transition: /\boldSelf\b/u.test(rule),
      program: compile(rule, path),
      messageProgram:
        messageExpression === undefined ? undefined : compile(messageExpression, path),
    };
  });

const evaluationTime = environment.parse("timestamp(self)");
const evaluationLength = environment.parse("duration(self)");

/** A `date-time` or `duration` string as CEL's own value for it. */
export const celTimestamp = (text: string): unknown => evaluationTime({ self: text });
export const celDuration = (text: string): unknown => evaluationLength({ self: text });
