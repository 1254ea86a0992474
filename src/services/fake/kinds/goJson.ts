/**
 * Built-in kinds go through Go structs, which forget what JSON can say: null is absent, and so are empty lists and the
 * `false` of fields marked `omitempty`. Without this an uncordon of a node that is not cordoned would be a change.
 */
import { isComplete, isObject, type JsonObject, markComplete, own, withFields } from "../json.ts";

/** Booleans of k8s.io/api that are plain and `omitempty`: `false` is not stored. */
const OMITTED_WHEN_FALSE: ReadonlySet<string> = new Set([
  "unschedulable",
  "hostNetwork",
  "hostPID",
  "hostIPC",
  "stdin",
  "stdinOnce",
  "tty",
  "readOnly",
]);

/** Stands for Go's idea of completeness. */
const GO = {};

const isOmitted = (name: string, value: unknown): boolean =>
  value === null ||
  (value === false && OMITTED_WHEN_FALSE.has(name)) ||
  (name === "nodeName" && value === "") ||
  (Array.isArray(value) && value.length === 0);

const normal = (value: unknown): unknown => {
  if (Array.isArray(value)) {
    if (isComplete(value, GO)) return value;
    const items = value.map(normal);
    const result = items.some((item, index) => item !== value[index]) ? own(items) : value;
    markComplete(result, GO);
    return result;
  }
  return isObject(value) ? goJson(value) : value;
};

/** The object without what Go would not write. The same object when there is nothing of the kind; it must be owned. */
export const goJson = <A extends JsonObject>(value: A): A => {
  if (isComplete(value, GO)) return value;
  let changes: Record<string, unknown> | undefined;
  for (const name of Object.keys(value)) {
    const before = value[name];
    const after = normal(before);
    if (isOmitted(name, after)) (changes ??= {})[name] = undefined;
    else if (after !== before) (changes ??= {})[name] = after;
  }
  const result = changes === undefined ? value : withFields(value, changes);
  markComplete(result, GO);
  return result;
};
