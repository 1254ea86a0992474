/** How the operations of a simulation are called, and which of them a NodeOp belongs to. */
import type { NodeOp } from "../../domain/api/nodeop.ts";
import { controllerOf, type NewKubeObject, objectKey } from "../../domain/kube/object.ts";

/** `NodeOpUpgrade default/canary`: what a person gave, by kind, namespace and name. */
export type OperationName = string;

/** How sentences name an object of a manifest, an operation or a Node. */
export const objectName = ({ kind, metadata }: NewKubeObject): string =>
  `${kind} ${objectKey({ namespace: metadata.namespace, name: metadata.name ?? "" })}`;

/** The operation that a NodeOp does the work of: the NodeOpUpgrade that made it, or itself. */
export const operationOf = ({ metadata }: NodeOp): OperationName => {
  const { namespace, name } = metadata;
  const owner = controllerOf(metadata);
  return owner?.kind === "NodeOpUpgrade"
    ? `NodeOpUpgrade ${objectKey({ namespace, name: owner.name })}`
    : `NodeOp ${objectKey({ namespace, name })}`;
};

/** What the operations are called in a story: by name alone where that tells them apart, else in full. */
export const shortNames = (
  operations: ReadonlyArray<NewKubeObject>,
): ReadonlyMap<OperationName, string> => {
  const named = operations.map((operation) => operation.metadata.name ?? "");
  return new Map(
    operations.map((operation, index) => {
      const isUnique = named.indexOf(named[index]!) === named.lastIndexOf(named[index]!);
      const full = objectName(operation);
      return [full, isUnique ? named[index]! : full];
    }),
  );
};
