/** Metadata as caches keep it: what identifies an object and what nodeop reads of it. */
import { Schema } from "effect";

const Owner = Schema.Struct({
  apiVersion: Schema.String,
  kind: Schema.String,
  name: Schema.String,
  uid: Schema.String,
  controller: Schema.optionalKey(Schema.Boolean),
});

const Strings = Schema.Record(Schema.String, Schema.String);

/** The part of `metadata` that views keep; managedFields, the bulk of it, is dropped. */
export const ViewMeta = Schema.Struct({
  name: Schema.String,
  namespace: Schema.optionalKey(Schema.String),
  uid: Schema.String,
  resourceVersion: Schema.String,
  creationTimestamp: Schema.optionalKey(Schema.String),
  deletionTimestamp: Schema.optionalKey(Schema.String),
  labels: Schema.optionalKey(Strings),
  annotations: Schema.optionalKey(Strings),
  ownerReferences: Schema.optionalKey(Schema.Array(Owner)),
});
export interface ViewMeta extends Schema.Schema.Type<typeof ViewMeta> {}
