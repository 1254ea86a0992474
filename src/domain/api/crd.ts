/** The CustomResourceDefinitions of nodeop, generated from the schemas that also decode the objects. */
import { type Schema, Struct } from "effect";
import type { NewKubeObject } from "../kube/object.ts";
import { NodeOps, NodeOpUpgrades, type Resource, resourceName } from "../kube/resource.ts";
import { NodeOp } from "./nodeop.ts";
import { NodeOpUpgrade } from "./nodeopupgrade.ts";
import { type StructuralSchema, toStructuralSchema } from "./structural.ts";

/** One column of `kubectl get`. Columns of priority 0 are shown always, others with `-o wide`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly description?: string;
  readonly priority?: number;
}

/** One version of a custom resource. */
export interface CustomResourceVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly schema: { readonly openAPIV3Schema: StructuralSchema };
  readonly subresources: { readonly status: Readonly<Record<string, never>> };
  readonly additionalPrinterColumns: ReadonlyArray<PrinterColumn>;
}

/** An `apiextensions.k8s.io/v1` CustomResourceDefinition, as far as nodeop uses it. */
export interface CustomResourceDefinition extends NewKubeObject {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames: ReadonlyArray<string>;
      readonly categories: ReadonlyArray<string>;
    };
    readonly scope: "Namespaced" | "Cluster";
    readonly versions: ReadonlyArray<CustomResourceVersion>;
  };
}

const column = (
  name: string,
  jsonPath: string,
  description: string,
  type: PrinterColumn["type"] = "string",
): PrinterColumn => ({ name, type, jsonPath, description });

const phase = column("Phase", ".status.phase", "How far the operation is.");
const done = column("Done", ".status.progress", "Finished and all target nodes.");
const failed = column("Failed", ".status.failed", "Target nodes that failed.", "integer");
const message = column("Message", ".status.message", "What is happening.");
const age = column("Age", ".metadata.creationTimestamp", "Time since creation.", "date");
const image = { ...column("Image", ".spec.image", "The image to upgrade to."), priority: 1 };

const unconstrained = (field: StructuralSchema | undefined): StructuralSchema =>
  Struct.omit(field ?? {}, ["enum"]);

/** The API server checks apiVersion, kind and metadata itself and wants no more than their types. */
const objectSchema = (schema: Schema.Constraint): StructuralSchema => {
  const compiled = toStructuralSchema(schema);
  const { apiVersion, kind, ...properties } = compiled.properties ?? {};
  return {
    ...compiled,
    properties: {
      apiVersion: unconstrained(apiVersion),
      kind: unconstrained(kind),
      ...properties,
      metadata: { type: "object" },
    },
    required: ["spec"],
  };
};

const definition = (
  of: Resource,
  shortName: string,
  schema: Schema.Constraint,
  additionalPrinterColumns: ReadonlyArray<PrinterColumn>,
): CustomResourceDefinition => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: resourceName(of) },
  spec: {
    group: of.group,
    names: {
      kind: of.kind,
      listKind: `${of.kind}List`,
      plural: of.plural,
      singular: of.kind.toLowerCase(),
      shortNames: [shortName],
      categories: ["kairos"],
    },
    scope: of.namespaced ? "Namespaced" : "Cluster",
    versions: [
      {
        name: of.version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: objectSchema(schema) },
        subresources: { status: {} },
        additionalPrinterColumns,
      },
    ],
  },
});

const makeCrds = (): ReadonlyArray<CustomResourceDefinition> => [
  definition(NodeOps, "nop", NodeOp, [phase, done, failed, message, age]),
  definition(NodeOpUpgrades, "nou", NodeOpUpgrade, [phase, done, failed, image, message, age]),
];

let made: ReadonlyArray<CustomResourceDefinition> | undefined;

/**
 * Both definitions, as plain JSON ready to be applied: NodeOp, then NodeOpUpgrade. Made on first use, because most programs
 * need none, and once, because each simulation serves them.
 */
export const crds = (): ReadonlyArray<CustomResourceDefinition> => (made ??= makeCrds());
