/**
 * PersistentVolumes, their claims and VolumeAttachments, as far as Pods that move depend on them (registry/core/persistentvolume,
 * persistentvolumeclaim, registry/storage/volumeattachment). Sizes, classes and binding are nobody's business here.
 */
import type { KubeObject } from "../../../domain/kube/object.ts";
import {
  PersistentVolumeClaims,
  PersistentVolumes,
  type Resource,
  VolumeAttachments,
} from "../../../domain/kube/resource.ts";
import { type FieldError, invalid, required } from "../fieldError.ts";
import { asObject, at, type JsonObject, own, sameJson, textOf, withFields } from "../json.ts";
import { subdomainProblems } from "../names.ts";
import { builtin } from "./builtin.ts";
import { type Draft, type Kind, withMeta } from "./Kind.ts";

/** Completes a spec once: whoever has it already gets the same object. */
const withDefaults = (defaults: JsonObject): ((spec: JsonObject) => JsonObject) => {
  const known = new WeakMap<object, JsonObject>();
  return (spec) => {
    const before = known.get(spec);
    if (before !== undefined) return before;
    const result = own({ ...defaults, ...spec });
    known.set(spec, result);
    known.set(result, result);
    return result;
  };
};

/** The admission plugin StorageObjectInUseProtection: what is in use is not deleted under its users. */
const inUse = (resource: Resource, finalizer: string, defaults: JsonObject): Kind => ({
  ...builtin(resource, { hasStatus: true, completeSpec: withDefaults(own(defaults)) }),
  prepareCreate: (object) => {
    const { finalizers = [] } = object.metadata;
    return withFields(object, {
      metadata: withMeta(object.metadata, {
        finalizers: own(finalizers.includes(finalizer) ? finalizers : [...finalizers, finalizer]),
      }),
      status: own({ phase: "Pending" }),
    });
  },
});

export const persistentVolume = inUse(PersistentVolumes, "kubernetes.io/pv-protection", {
  persistentVolumeReclaimPolicy: "Retain",
  volumeMode: "Filesystem",
});

export const persistentVolumeClaim = inUse(PersistentVolumeClaims, "kubernetes.io/pvc-protection", {
  volumeMode: "Filesystem",
});

const attachmentErrors = (object: Draft): ReadonlyArray<FieldError> => {
  const spec = asObject(object["spec"]);
  const source = asObject(spec["source"]);
  const node = textOf(spec["nodeName"]);
  const volume = textOf(source["persistentVolumeName"]);
  return [
    ...(textOf(spec["attacher"]) === "" ? [required("spec.attacher")] : []),
    ...(volume === "" && source["inlineVolumeSpec"] === undefined
      ? [
          required(
            "spec.source",
            "must specify exactly one of inlineVolumeSpec and persistentVolumeName",
          ),
        ]
      : []),
    ...subdomainProblems(node, false).map((why) => invalid("spec.nodeName", node, why)),
  ];
};

const attachment = builtin(VolumeAttachments, { hasStatus: true });

export const volumeAttachment: Kind = {
  ...attachment,
  prepareCreate: (object) => withFields(object, { status: own({ attached: false }) }),
  validateCreate: attachmentErrors,
  validateUpdate: (object: Draft, old: KubeObject) =>
    sameJson(at(object, "spec"), at(old, "spec"))
      ? []
      : [invalid("spec", at(object, "spec"), "field is immutable")],
};
