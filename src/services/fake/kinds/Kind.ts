/** What the API server knows about one kind of object: the strategy of its registry (apiserver registry/rest). */
import type { KubeObject, ObjectMeta } from "../../../domain/kube/object.ts";
import type { Resource } from "../../../domain/kube/resource.ts";
import type { FieldError } from "../fieldError.ts";
import { type JsonObject, sameJson, withFields } from "../json.ts";
import { type IncomingMeta, trustMetadata } from "../metadata.ts";
import type { NameCheck } from "../names.ts";

/** An object between request and store: its metadata is typed, the rest is whatever the client sent. */
export type Draft = JsonObject & { readonly metadata: IncomingMeta };

type Errors = ReadonlyArray<FieldError>;

export interface Kind {
  readonly resource: Resource;
  /** The API group under which refusals name it, where that is not its own. */
  readonly refusedAs?: string;
  /** From a CustomResourceDefinition. */
  readonly custom: boolean;
  /** Whether status is written through its own subresource, and only there. */
  readonly hasStatus: boolean;
  /** Whether an update without resourceVersion overwrites whatever is there. */
  readonly unconditionalUpdate: boolean;
  readonly nameProblems: NameCheck;
  /** Whether objects have a `generation`, which counts changes of what is desired. */
  readonly hasGeneration: boolean;
  /** Fields that field selectors may use besides name and namespace, with the value that stands for an absent field. */
  readonly selectable: Readonly<Record<string, string>>;
  /** What becomes of dependents when a delete does not say. */
  readonly defaultPropagation: "Background" | "Orphan";
  /** Whether the answer to a delete is the object that is gone, not a Status. */
  readonly returnsDeleted: boolean;
  /** For kinds with graceful deletion: the seconds granted, given those asked for. Absent: objects go at once. */
  readonly gracePeriod?: (object: KubeObject, asked: number | undefined) => number;
  /** What a client has to send, as paths of unknown fields; empty where there is no schema to tell. */
  readonly unknownFields: (object: Draft) => ReadonlyArray<string>;
  /** Pruning and defaulting, on every way in and out. Returns the same object when it is complete. */
  readonly complete: <A extends Draft>(object: A) => A;
  /** What the server fills in or takes away on creation; name, uid and the like are set already. */
  readonly prepareCreate: (object: Draft) => Draft;
  /** What a write to the main resource must leave as it was. */
  readonly prepareUpdate: (object: Draft, old: KubeObject) => Draft;
  /** What a write to the status subresource must leave as it was. */
  readonly prepareStatus: (object: Draft, old: KubeObject) => Draft;
  readonly validateCreate: (object: Draft) => Errors;
  readonly validateUpdate: (object: Draft, old: KubeObject) => Errors;
  readonly validateStatus: (object: Draft, old: KubeObject) => Errors;
  /** Whether the change counts for `generation`. */
  readonly advancesGeneration: (object: Draft, old: KubeObject) => boolean;
}

/** Whether the kind is that of a resource. */
export const isOf = ({ resource }: Kind, { group, plural }: Resource): boolean =>
  resource.plural === plural && resource.group === group;

/** Metadata of a stored object or of one on its way in, with some fields replaced. */
export const withMeta = <M extends IncomingMeta>(
  meta: M,
  fields: { readonly [K in keyof ObjectMeta]?: ObjectMeta[K] | undefined },
): M => {
  const changed = withFields(meta, fields);
  trustMetadata(changed);
  return changed;
};

/** `object` with the field of `old`, present or absent. */
export const keepField = (object: Draft, old: KubeObject, name: string): Draft =>
  object[name] === old[name] ? object : withFields(object, { [name]: old[name] });

/** A success without further ado, for kinds that validate nothing. */
export const noErrors = (): Errors => [];

/** Whether one top-level field differs. */
export const changes = (object: Draft, old: KubeObject, name: string): boolean =>
  !sameJson(object[name], old[name]);

const isStored = (object: Draft): object is Draft & KubeObject => {
  const { name, uid, creationTimestamp } = object.metadata;
  return name !== undefined && uid !== undefined && creationTimestamp !== undefined;
};

/** The draft as an object of its kind; throws where the server has forgotten to fill something in. */
export const asStored = (object: Draft): KubeObject => {
  if (!isStored(object)) throw new Error("An object reached the store without name, uid or time");
  return object;
};
