/** Schema of `metadata`, decoding to the `ObjectMeta` that all Kubernetes objects share; every field is kept. */
import { Schema } from "effect";
import type { ObjectMeta } from "../kube/object.ts";
import { open } from "./fields.ts";

const OwnerReference = open({
  apiVersion: Schema.String,
  kind: Schema.String,
  name: Schema.String,
  uid: Schema.String,
  controller: Schema.optionalKey(Schema.Boolean),
  blockOwnerDeletion: Schema.optionalKey(Schema.Boolean),
});

const StringMap = Schema.Record(Schema.String, Schema.String);

/** `metadata` as an API server returns it. */
export const Metadata: Schema.Codec<ObjectMeta> = open({
  name: Schema.String,
  generateName: Schema.optionalKey(Schema.String),
  namespace: Schema.optionalKey(Schema.String),
  uid: Schema.String,
  resourceVersion: Schema.String,
  generation: Schema.optionalKey(Schema.Int),
  creationTimestamp: Schema.String,
  deletionTimestamp: Schema.optionalKey(Schema.String),
  deletionGracePeriodSeconds: Schema.optionalKey(Schema.Int),
  labels: Schema.optionalKey(StringMap),
  annotations: Schema.optionalKey(StringMap),
  ownerReferences: Schema.optionalKey(Schema.Array(OwnerReference)),
  finalizers: Schema.optionalKey(Schema.Array(Schema.String)),
});
