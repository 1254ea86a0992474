/** What can be read of an object's metadata without trusting the JSON: for objects that may not be what they should. */
import { Predicate } from "effect";
import type { ObjectRef } from "../domain/kube/object.ts";

const field = (json: unknown, name: string): unknown =>
  Predicate.hasProperty(json, name) ? json[name] : undefined;

/** A non-empty string, or undefined. */
const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** Name, namespace, uid and resourceVersion as far as they are there; `ref` needs a name. */
export const metadataOf = (
  json: unknown,
): {
  readonly ref: ObjectRef | undefined;
  readonly namespace: string | undefined;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
} => {
  const metadata = field(json, "metadata");
  const name = text(field(metadata, "name"));
  const namespace = text(field(metadata, "namespace"));
  const ref =
    name === undefined ? undefined : namespace === undefined ? { name } : { namespace, name };
  return {
    ref,
    namespace,
    uid: text(field(metadata, "uid")),
    resourceVersion: text(field(metadata, "resourceVersion")),
  };
};

/** The string `metadata.continue` of a list, undefined on its last page. */
export const continueOf = (json: unknown): string | undefined =>
  text(field(field(json, "metadata"), "continue"));

/** The objects of a list; undefined when the JSON is not a list. Go writes an empty slice as `null`. */
export const itemsOf = (json: unknown): ReadonlyArray<unknown> | undefined => {
  const items = field(json, "items");
  return items === null ? [] : Array.isArray(items) ? items : undefined;
};
