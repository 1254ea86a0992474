/** What names, label keys and label values may look like, in the words of the API server (apimachinery util/validation). */

/** Why a text is no valid name; empty when it is one. `prefix`: it is a `generateName`, which may end in a dash. */
export type NameCheck = (name: string, prefix: boolean) => ReadonlyArray<string>;

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_PATTERN = new RegExp(`^${LABEL}$`, "u");
const SUBDOMAIN_PATTERN = new RegExp(`^${SUBDOMAIN}$`, "u");
const QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const QUALIFIED_PATTERN = new RegExp(`^${QUALIFIED}$`, "u");
const VALUE_PATTERN = new RegExp(`^(${QUALIFIED})?$`, "u");

const LABEL_MESSAGE = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`;
const SUBDOMAIN_MESSAGE = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`;
const QUALIFIED_SHAPE = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${QUALIFIED}')`;
const VALUE_MESSAGE = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${QUALIFIED})?')`;

const atMost = (bytes: number): string => `must be no more than ${bytes} bytes`;

/** Names that passed: the same few thousand are checked again with every update. */
const memo = (check: (text: string) => ReadonlyArray<string>) => {
  const good = new Set<string>();
  return (text: string): ReadonlyArray<string> => {
    if (good.has(text)) return [];
    const problems = check(text);
    if (problems.length === 0 && good.size < 100_000) good.add(text);
    return problems;
  };
};

const shaped = (
  text: string,
  max: number,
  pattern: RegExp,
  message: string,
  tooLong: string = atMost(max),
) => [...(text.length > max ? [tooLong] : []), ...(pattern.test(text) ? [] : [message])];

/** A `generateName` is judged as if a letter followed its last dash. */
const completed = (name: string, prefix: boolean): string =>
  prefix && name.endsWith("-") ? `${name.slice(0, -1)}a` : name;

/** RFC 1123 subdomain of at most 253 bytes: names of most objects. */
export const subdomainProblems: NameCheck = (name, prefix) =>
  shaped(
    completed(name, prefix),
    253,
    SUBDOMAIN_PATTERN,
    SUBDOMAIN_MESSAGE,
    "must be no more than 253 characters",
  );

/** RFC 1123 label of at most 63 bytes: names of containers, volumes, namespaces. */
export const labelNameProblems: NameCheck = (name, prefix) => {
  const text = completed(name, prefix);
  return text.includes(".")
    ? ["must not contain dots"]
    : shaped(text, 63, LABEL_PATTERN, LABEL_MESSAGE);
};

/** The name of a container or volume: a label, but told so where it has dots. */
export const partNameProblems = (name: string): ReadonlyArray<string> =>
  shaped(name, 63, LABEL_PATTERN, LABEL_MESSAGE);

/** One segment of a URL path: names of RBAC objects. */
export const segmentProblems: NameCheck = (name) => [
  ...(name === "." || name === ".." ? [`may not be '${name}'`] : []),
  ...["/", "%"].filter((one) => name.includes(one)).map((one) => `may not contain '${one}'`),
];

/** `[prefix/]name`, as label keys and finalizers are written. */
export const qualifiedNameProblems: (text: string) => ReadonlyArray<string> = memo((text) => {
  const [first = "", second, ...rest] = text.split("/");
  if (rest.length > 0) {
    return [
      `a valid label key ${QUALIFIED_SHAPE} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const problems: Array<string> = [];
  if (second !== undefined) {
    if (first === "") problems.push("prefix part must be non-empty");
    else problems.push(...subdomainProblems(first, false).map((why) => `prefix part ${why}`));
  }
  const name = second ?? first;
  if (name === "") problems.push("name part must be non-empty");
  else if (name.length > 63) problems.push(`name part ${atMost(63)}`);
  if (!QUALIFIED_PATTERN.test(name)) problems.push(`name part ${QUALIFIED_SHAPE}`);
  return problems;
});

/** A label's value: at most 63 bytes. */
export const labelValueProblems: (text: string) => ReadonlyArray<string> = memo((text) =>
  shaped(text, 63, VALUE_PATTERN, VALUE_MESSAGE),
);
