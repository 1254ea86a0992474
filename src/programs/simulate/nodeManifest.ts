/** A Node as a file brings it: what of it a simulation takes over, and what is wrong with it. */
import { Option, Result, Schema } from "effect";
import { open } from "../../domain/api/fields.ts";
import { type Problem, problemsOf } from "../../domain/api/problems.ts";
import type { NewKubeObject } from "../../domain/kube/object.ts";
import { node as nodeKind } from "../../services/fake/kinds/node.ts";
import { inShort } from "./metadataProblems.ts";

const StringMap = Schema.Record(Schema.String, Schema.String);

const Condition = open({
  type: Schema.String,
  status: Schema.Literals(["True", "False", "Unknown"]),
});

/** What is read of it; everything else is kept as it is. */
const NodeManifest = open({
  metadata: open({
    labels: Schema.optionalKey(StringMap),
    annotations: Schema.optionalKey(StringMap),
  }),
  spec: Schema.optionalKey(
    open({
      unschedulable: Schema.optionalKey(Schema.Boolean),
      taints: Schema.optionalKey(
        Schema.Array(
          open({
            key: Schema.String,
            value: Schema.optionalKey(Schema.String),
            effect: Schema.String,
          }),
        ),
      ),
    }),
  ),
  status: Schema.optionalKey(
    open({
      conditions: Schema.optionalKey(Schema.Array(Condition)),
      nodeInfo: Schema.optionalKey(open({ bootID: Schema.optionalKey(Schema.String) })),
    }),
  ),
});
const decode = Schema.decodeUnknownResult(Schema.toCodecGoJson(NodeManifest), {
  errors: "all",
  reportInput: true,
});
const decodeOption = Schema.decodeUnknownOption(Schema.toCodecGoJson(NodeManifest));

/** `metadata.taints[2].key`, which the API server says, as a path to where the taints are. */
const taintPath = (field: string): ReadonlyArray<PropertyKey> => {
  const [, index, name] = /^metadata\.taints\[(\d+)\](?:\.(\w+))?$/u.exec(field) ?? [];
  return ["spec", "taints", Number(index), ...(name === undefined ? [] : [name])];
};

/** What is wrong with the fields of a Node, its name and label syntax aside. */
export const nodeProblems = (object: NewKubeObject): ReadonlyArray<Problem> => {
  const decoded = decode(object);
  if (Result.isFailure(decoded)) return problemsOf(decoded.failure.issue);
  return nodeKind.validateCreate({ ...object }).map(({ field, body }) => ({
    path: taintPath(field),
    sentence: inShort(body),
  }));
};

/** Whether the file says that the node is not Ready: its condition Ready is there and is False or Unknown. */
export const saysNotReady = (object: NewKubeObject): boolean => {
  const conditions = Option.getOrUndefined(decodeOption(object))?.status?.conditions ?? [];
  return conditions.some(({ type, status }) => type === "Ready" && status !== "True");
};
