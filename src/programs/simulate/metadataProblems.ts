/** What is wrong with the metadata of an object in a file: unknown fields, names, namespaces and labels. */
import type { Problem } from "../../domain/api/problems.ts";
import type { NewKubeObject } from "../../domain/kube/object.ts";
import {
  labelNameProblems,
  labelValueProblems,
  qualifiedNameProblems,
  subdomainProblems,
} from "../../services/fake/names.ts";
import { didYouMeanOneOf } from "./nearest.ts";

/** Kinds of the cluster. */
export const IN_NO_NAMESPACE: ReadonlySet<string> = new Set([
  "Node",
  "Namespace",
  "PersistentVolume",
  "VolumeAttachment",
]);

/** What people write. */
const GIVEN: ReadonlyArray<string> = [
  "name",
  "generateName",
  "namespace",
  "labels",
  "annotations",
  "finalizers",
  "ownerReferences",
];

/** What the API server fills in. It is in files that `kubectl get -o yaml` wrote, and of no account there. */
const FILLED_IN: ReadonlySet<string> = new Set([
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "selfLink",
  "managedFields",
]);

/** The metadata without what the API server fills in. */
export const asWritten = (metadata: Readonly<Record<string, unknown>>): NewKubeObject["metadata"] =>
  Object.fromEntries(Object.entries(metadata).filter(([name]) => !FILLED_IN.has(name)));

/** A problem of the API server without examples and regular expressions, which Kubernetes puts in brackets at the end. */
export const inShort = (why: string): string => why.replace(/,? \(e\.g\..*$/u, "");

const entries = (map: unknown): ReadonlyArray<readonly [string, unknown]> =>
  typeof map === "object" && map !== null ? Object.entries(map) : [];

const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : []);

const under = (path: ReadonlyArray<string>, problems: ReadonlyArray<string>) =>
  problems.map((why): Problem => ({ path: ["metadata", ...path], sentence: inShort(why) }));

/** Problems of metadata as `asWritten` leaves it; types of values are the business of the kind's schema. */
export const metadataProblems = ({ kind, metadata }: NewKubeObject): ReadonlyArray<Problem> => {
  const { name = "", namespace } = metadata;
  const unknown = Object.keys(metadata).filter((field) => !GIVEN.includes(field));
  return [
    ...unknown.flatMap((field) =>
      under([field], [`is not a known field${didYouMeanOneOf(field, GIVEN)}`]),
    ),
    ...under(["name"], subdomainProblems(name, false)),
    ...under(["namespace"], namespaceProblems(kind, namespace)),
    ...entries(metadata.labels).flatMap(([key, value]) => [
      ...under(["labels", key], qualifiedNameProblems(key)),
      ...under(["labels", key], typeof value === "string" ? labelValueProblems(value) : []),
    ]),
    ...entries(metadata.annotations).flatMap(([key]) =>
      under(["annotations", key], qualifiedNameProblems(key.toLowerCase())),
    ),
    ...list(metadata.finalizers).flatMap((finalizer) =>
      under(["finalizers"], typeof finalizer === "string" ? qualifiedNameProblems(finalizer) : []),
    ),
  ];
};

const namespaceProblems = (kind: string, namespace: unknown): ReadonlyArray<string> => {
  if (namespace === undefined) return [];
  if (IN_NO_NAMESPACE.has(kind)) return [`a ${kind} is in no namespace; leave it out`];
  // Another type than a string is found by the schema.
  return typeof namespace === "string" ? labelNameProblems(namespace, false) : [];
};
