/** What is wrong with a command line whose form cannot be read, as one sentence per mistake that says what to write. */
import type { CliError } from "effect/cli";

/** A flag as it is typed. */
const typed = (flag: string): string => (flag.startsWith("-") ? flag : `--${flag}`);

/** `"text" | "json"` as `text or json`; other expectations as they are. */
const choices = (expected: string): string =>
  expected
    .split(" | ")
    .map((choice) => choice.replaceAll('"', ""))
    .join(" or ");

/** Every flag of ours that wants a number wants a whole one. */
const NUMBERS = new Set(["an integer", "a string representing a finite number"]);

/** What to write, without the words of a schema around it. */
const expectation = (expected: string): string => {
  const [, wanted] = /^(?:Schema validation failed: )?Expected (.+)$/su.exec(expected) ?? [];
  if (wanted === undefined) return choices(expected);
  return NUMBERS.has(wanted) ? "a whole number" : wanted;
};

const suggested = (suggestions: ReadonlyArray<string>): string =>
  suggestions.length === 0 ? "" : `; did you mean ${suggestions.join(" or ")}?`;

const isMissingValue = (error: CliError.CliError): boolean =>
  error._tag === "InvalidValue" && error.value === "";

/** `-1m` after a flag that wants a value reads as the flags -1 and -m. */
const isShortFlag = (error: CliError.CliError): boolean =>
  error._tag === "UnrecognizedOption" && /^-[^-]/u.test(error.option);

/** All mistakes of a command line, a sentence each. */
export const usageSentences = (errors: ReadonlyArray<CliError.CliError>): ReadonlyArray<string> => {
  const isMeantAsValue = errors.some(isMissingValue) && errors.some(isShortFlag);
  return errors.filter((error) => !isMeantAsValue || !isShortFlag(error)).map(usageSentence);
};

const usageSentence = (error: CliError.CliError): string => {
  switch (error._tag) {
    case "UnrecognizedOption":
      return `${error.option}: there is no such flag${suggested(error.suggestions)}`;
    case "InvalidValue": {
      const flag = error.kind === "flag" ? typed(error.option) : error.option;
      if (error.value === "")
        return `${flag}: its value is missing; write ${flag} ${choices(error.expected)}, or ${flag}=… where it begins with -`;
      return /^\d+ occurrences$/u.test(error.value)
        ? `${flag}: is given more than once; write it once`
        : `${flag} ${error.value}: write ${expectation(error.expected)}`;
    }
    case "MissingArgument":
      return `${error.argument} is missing; name at least one, as in examples/canary.yaml`;
    case "UnknownSubcommand":
      return `${error.subcommand}: there is no such command${suggested(error.suggestions)}`;
    default:
      return error.message;
  }
};
