/** Operations as scenarios apply them: the canary of the page, with other fields. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { exampleFile } from "./E2e.ts";

interface Example {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Readonly<Record<string, unknown>>;
}

/** An example as an object. */
export const example = (name: string): Example =>
  parse(readFileSync(exampleFile(name), "utf8")) as Example;

/** The canary of the page in another namespace, for nodes with other labels, with other fields of its spec. */
export const canaryWith = (
  spec: Readonly<Record<string, unknown>>,
  where: { readonly name?: string; readonly namespace?: string } = {},
): string => {
  const canary = example("canary");
  return JSON.stringify({
    ...canary,
    metadata: { ...canary.metadata, ...where },
    spec: { ...canary.spec, ...spec },
  });
};

/** What the scheduler asks of a node, as its kubelet would tell it. */
export const ROOM = { cpu: "4", memory: "8Gi", pods: "110" };
