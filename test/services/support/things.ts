/** A resource for tests: a made-up namespaced kind with one number in its spec. */
import { Schema } from "effect";
import type { Resource } from "../../../src/domain/kube/resource.ts";
import { typed } from "../../../src/services/typed.ts";

export const Things: Resource = {
  group: "test.example",
  version: "v1",
  plural: "things",
  kind: "Thing",
  namespaced: true,
};

export const Thing = Schema.Struct({
  metadata: Schema.Struct({
    name: Schema.String,
    namespace: Schema.String,
    uid: Schema.String,
    resourceVersion: Schema.String,
  }),
  spec: Schema.Struct({ size: Schema.Int }),
});
export interface Thing extends Schema.Schema.Type<typeof Thing> {}

export const ThingResource = typed(Things, Thing);

export const keyOf = (thing: Thing): string => `${thing.metadata.namespace}/${thing.metadata.name}`;

export const metaOf = (thing: Thing) => ({
  key: keyOf(thing),
  resourceVersion: thing.metadata.resourceVersion,
  uid: thing.metadata.uid,
});

/** The JSON of a thing, complete unless a size is refused: a size that is not a number makes it undecodable. */
export const thingJson = (
  name: string,
  uid: string,
  resourceVersion: number | string,
  size: unknown = 1,
) => ({
  apiVersion: "test.example/v1",
  kind: "Thing",
  metadata: { name, namespace: "default", uid, resourceVersion: String(resourceVersion) },
  spec: { size },
});

export const thing = (
  name: string,
  uid: string,
  resourceVersion: number | string,
  size = 1,
): Thing => ({
  metadata: { name, namespace: "default", uid, resourceVersion: String(resourceVersion) },
  spec: { size },
});
