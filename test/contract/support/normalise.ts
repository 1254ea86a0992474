/**
 * Takes out of an observation what differs from run to run and means nothing: namespaces, uids, versions, times, generated
 * suffixes, managedFields. Equal values become equal tokens, so that "the same version" and "another uid" stay visible.
 */

const UID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gu;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/gu;
/** Versions inside of sentences. */
const VERSIONS = /((?:in the precondition|in record) \(|resource version: |, current: )(\d+)/gu;

type Json = unknown;

/** Fields that nobody reads and that only a real server computes. */
const UNREAD: ReadonlySet<string> = new Set([
  "managedFields",
  "qosClass",
  "preemptionPolicy",
  "priority",
  "deprecatedFirstTimestamp",
  "deprecatedLastTimestamp",
  "deprecatedSource",
]);

/** Go writes some absent values out: a time that is none, the token of the last page. */
const isAbsent = (key: string, value: Json): boolean =>
  value === undefined ||
  (value === null && key.endsWith("Time")) ||
  (value === "" && key === "continue");

const isRecord = (value: Json): value is Readonly<Record<string, Json>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Values that a message quotes as JSON: Go prints them in an order and with fields of its own. */
const QUOTED = /(Invalid|Duplicate) value: (\{|\[|"\{).*?(\}|\]|\}"): /gu;

/** Without quoted objects, and without the diff of Go structs that some messages end with. */
const withoutQuotes = (message: string): string =>
  (message.split("\n")[0] ?? "").replaceAll(QUOTED, "$1 value: …: ");

/** The causes of an error: each once, in order; how often and in which order they were found means nothing. */
const sortedCauses = (causes: ReadonlyArray<Json>): ReadonlyArray<Json> => {
  const texts = causes.map((cause) =>
    isRecord(cause) && typeof cause["message"] === "string"
      ? JSON.stringify(canonical({ ...cause, message: withoutQuotes(cause["message"]) }))
      : JSON.stringify(cause),
  );
  return [...new Set(texts)].toSorted().map((text): Json => JSON.parse(text));
};

/** An error with several causes lists them in its message too: the list goes. */
const canonicalError = (error: Readonly<Record<string, Json>>): Json => {
  const { causes, detail, ...rest } = error;
  const given = Array.isArray(causes) ? sortedCauses(causes) : undefined;
  // Where the object lies in etcd is nobody's business.
  const text = String(detail).replace(/StorageError: .*AdditionalErrorMsg: /u, "");
  const said =
    given === undefined || given.length < 2
      ? withoutQuotes(text)
      : `${text.slice(0, text.indexOf(" is invalid: "))} is invalid: [${given.length} causes]`;
  return { ...(given === undefined ? {} : { causes: given }), detail: said, ...rest };
};

/** With sorted keys, and without what is absent or unread. */
const canonical = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(canonical);
  if (!isRecord(value)) return value;
  if ("error" in value && "detail" in value) return canonicalError(value);
  return Object.fromEntries(
    Object.keys(value)
      .filter((key) => !UNREAD.has(key) && !isAbsent(key, value[key]))
      .toSorted()
      .map((key) => [key, canonical(value[key])]),
  );
};

/** Numbers values in the order in which they appear. */
class Tokens {
  readonly #kind: string;
  readonly #known = new Map<string, string>();

  constructor(kind: string) {
    this.#kind = kind;
  }

  of(value: string): string {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const token = `<${this.#kind} ${this.#known.size + 1}>`;
    this.#known.set(value, token);
    return token;
  }
}

/** Generated names and what they were made from. */
const generatedNames = (value: Json, found: Map<string, string>): Map<string, string> => {
  if (Array.isArray(value)) for (const item of value) generatedNames(item, found);
  else if (isRecord(value)) {
    const { name, generateName } = value;
    if (typeof name === "string" && typeof generateName === "string" && !found.has(name)) {
      found.set(name, `${generateName}<generated ${found.size + 1}>`);
    }
    for (const item of Object.values(value)) generatedNames(item, found);
  }
  return found;
};

export const normalise = (observation: unknown, namespace: string): unknown => {
  const uids = new Tokens("uid");
  const versions = new Tokens("version");
  const sorted = canonical(observation);
  const generated = generatedNames(sorted, new Map());
  const text = (value: string): string => {
    let result = value.replaceAll(namespace, "<ns>");
    for (const [name, stands] of generated) result = result.replaceAll(name, stands);
    return result
      .replaceAll(UID, (uid) => uids.of(uid))
      .replaceAll(TIME, (_, fraction: string | undefined) =>
        fraction === undefined ? "<time>" : `<time with ${fraction.length - 1} digits>`,
      )
      .replaceAll(VERSIONS, (_, before: string) => `${before}<version>`)
      .replaceAll(/<version> \(\d+\)/gu, "<version> (<version>)");
  };
  const walk = (value: Json, key: string): Json => {
    if (typeof value === "string") {
      const isVersion = key === "resourceVersion" || key === "metadata.resourceVersion";
      return isVersion && /^\d+$/u.test(value) ? versions.of(value) : text(value);
    }
    if (Array.isArray(value)) return value.map((item) => walk(item, ""));
    if (!isRecord(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [text(name), walk(item, name)]),
    );
  };
  return walk(sorted, "");
};
