/** Plain JSON as the simulated world meets it: what the API server sends is checked as far as it is used. */
import type { KubeObject } from "../../domain/kube/object.ts";
import { apiVersionOf, type Resource } from "../../domain/kube/resource.ts";

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether a value is an object as API servers store them. */
const isKubeObject = (value: unknown): value is KubeObject =>
  isRecord(value) &&
  isRecord(value["metadata"]) &&
  typeof value["metadata"]["name"] === "string" &&
  typeof value["metadata"]["resourceVersion"] === "string";

/** The object that a server answered with. Anything else is a broken invariant of the server, and throws. */
export const kubeObject = (value: unknown): KubeObject => {
  if (!isKubeObject(value))
    throw new Error(`the API server sent no object: ${JSON.stringify(value)}`);
  return value;
};

/** The version of anything that has one, such as a list or a bookmark; NaN of anything else. */
export const versionOf = (value: unknown): number =>
  isRecord(value) && isRecord(value["metadata"])
    ? Number(value["metadata"]["resourceVersion"])
    : Number.NaN;

/**
 * The objects of a list of a resource, and its version. Items of built-in kinds come without kind and apiVersion; they get
 * them here. Anything but a list is a broken invariant of the server, and throws.
 */
export const kubeList = (value: unknown, resource: Resource) => {
  if (isRecord(value) && Array.isArray(value["items"])) {
    const type = { apiVersion: apiVersionOf(resource), kind: resource.kind };
    const items: ReadonlyArray<unknown> = value["items"];
    const objects = items.map((item) =>
      kubeObject(isRecord(item) && item["kind"] === undefined ? { ...type, ...item } : item),
    );
    return { version: versionOf(value), items: objects };
  }
  throw new Error(`the API server sent no list: ${JSON.stringify(value)}`);
};

/** Whether two JSON values say the same; the order of fields does not matter. */
export const sameJson = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const fields = Object.entries(a);
  const others = new Map(Object.entries(b));
  return (
    fields.length === others.size &&
    fields.every(([name, value]) => others.has(name) && sameJson(value, others.get(name)))
  );
};
