/**
 * What a real server observed: one file per group, written by `NODEOP_RECORD=1 npm run test:cluster` only and read by both halves of
 * the contract. The fake is right when it observes the same.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const FOLDER = new URL("../answers/", import.meta.url);

interface Answers {
  /** The server on which this was last recorded. */
  readonly server: string;
  readonly cells: Readonly<Record<string, unknown>>;
}

const fileOf = (title: string): URL =>
  new URL(`${title.toLowerCase().replaceAll(/[^a-z]+/gu, "-")}.json`, FOLDER);

/** What is recorded of a group; nothing before the first run on a real server. */
export const readAnswers = (title: string): Answers => {
  const file = fileOf(title);
  return existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as Answers)
    : { server: "none", cells: {} };
};

export const writeAnswers = (title: string, answers: Answers): void => {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(fileOf(title), `${JSON.stringify(answers, null, 2)}\n`);
};
