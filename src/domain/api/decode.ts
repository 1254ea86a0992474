/**
 * Decodes NodeOps and NodeOpUpgrades from JSON as an API server stores it. An operation over many nodes is decoded
 * at every change, while nearly all of it stays the same object: what was decoded once is found again by identity.
 */
import { Result, Schema, Struct } from "effect";
import { changedFields } from "../kube/changes.ts";
import { objectKey } from "../kube/object.ts";
import { open, withDefault } from "./fields.ts";
import { memoised } from "./identity.ts";
import { type NodeOp, nodeOpFields, NodeOpStatusSummary } from "./nodeop.ts";
import {
  type NodeOpUpgrade,
  nodeOpUpgradeFields,
  NodeOpUpgradeStatusSummary,
} from "./nodeopupgrade.ts";
import { ApiProblems, formatProblem, mismatch, type Problem, problemsOf } from "./problems.ts";
import { INITIAL_STATUS, NodeStatus } from "./status.ts";

type Decoded<A> = Result.Result<A, ReadonlyArray<Problem>>;
type Decode<A> = (json: unknown) => Decoded<A>;
type Json = Readonly<Record<string, unknown>>;
type Entries = Readonly<Record<string, NodeStatus>>;
interface WithEntries {
  readonly nodeStatuses?: Entries;
}

const isObject = (json: unknown): json is Json =>
  typeof json === "object" && json !== null && !Array.isArray(json);

/** Go's nulls count as absent; everything that is wrong is reported, not only the first problem. */
const decoderOf = <A>(schema: Schema.Codec<A, unknown>): Decode<A> => {
  const decode = Schema.decodeUnknownResult(Schema.toCodecGoJson(schema), {
    errors: "all",
    reportInput: true,
  });
  return (json) => Result.mapError(decode(json), ({ issue }) => problemsOf(issue));
};

/** All that is wrong in several parts of an object, in their order. */
const problemsIn = (parts: ReadonlyArray<Decoded<unknown>>): ReadonlyArray<Problem> =>
  parts.flatMap((part) => (Result.isFailure(part) ? part.failure : []));

const under = (
  keys: ReadonlyArray<string>,
  problems: ReadonlyArray<Problem>,
): ReadonlyArray<Problem> =>
  problems.map(({ path, sentence }) => ({ path: [...keys, ...path], sentence }));

const decodeEntry = decoderOf(NodeStatus);
const entryOf = memoised(decodeEntry);

/** Entries that decoding leaves as they are: nearly all, for only Go's nulls change an entry. */
const settled = new WeakSet<object>();

const sameFields = (left: Json, right: object): boolean => {
  const fields = Object.entries(right);
  return (
    fields.length === Object.keys(left).length &&
    fields.every(([key, value]) => Object.hasOwn(left, key) && Object.is(left[key], value))
  );
};

const isSettled = (entry: unknown): entry is NodeStatus => {
  if (!isObject(entry)) return false;
  if (settled.has(entry)) return true;
  const decoded = entryOf(entry);
  if (Result.isFailure(decoded) || !sameFields(entry, decoded.success)) return false;
  settled.add(entry);
  return true;
};

/**
 * Whether all entries are settled. `before` are settled entries, best those of the version before: what is the same in
 * both is settled, too, so that only what changed is looked into.
 */
const areSettled = (json: Json, before: Entries): json is Entries =>
  changedFields(before, json).every((name) => json[name] === undefined || isSettled(json[name]));

/** Decodes each entry; the map stays the same object when its entries do. */
const nodeStatusesDecoder = (): Decode<Entries> => {
  // The settled entries that were decoded last: of the version before, when one object is followed.
  let last: Entries = {};
  return (json) => {
    if (!isObject(json)) return Result.fail([{ path: [], sentence: mismatch("an object", json) }]);
    if (!areSettled(json, last)) return decodeEntries(json);
    last = json;
    return Result.succeed(json);
  };
};

const decodeEntries = (json: Json): Decoded<Entries> => {
  const problems: Array<Problem> = [];
  const entries: Array<readonly [string, NodeStatus]> = [];
  for (const [name, entry] of Object.entries(json)) {
    const decoded = entryOf(entry);
    if (Result.isFailure(decoded)) problems.push(...under([name], decoded.failure));
    else entries.push([name, isSettled(entry) ? entry : decoded.success]);
  }
  return problems.length > 0 ? Result.fail(problems) : Result.succeed(Object.fromEntries(entries));
};

/** The entries of a status, by themselves; Go writes an absent map as null. */
const entriesDecoder = (): Decode<WithEntries> => {
  const nodeStatusesOf = nodeStatusesDecoder();
  return (nodeStatuses) => {
    if (nodeStatuses === undefined || nodeStatuses === null) return Result.succeed({});
    return Result.mapBoth(nodeStatusesOf(nodeStatuses), {
      onSuccess: (entries) => ({ nodeStatuses: entries }),
      onFailure: (problems) => under(["status", "nodeStatuses"], problems),
    });
  };
};

/** Decodes the summary with its schema and the entries one by one. */
const statusDecoder = <Summary>(
  summaryOf: Decode<{ readonly status: Summary }>,
): Decode<Summary & WithEntries> => {
  const entriesOf = entriesDecoder();
  return (json) => {
    const { nodeStatuses, ...rest } = isObject(json) ? json : {};
    const own = isObject(json) ? rest : json;
    const summary = summaryOf(own === undefined ? {} : { status: own });
    const entries = entriesOf(nodeStatuses);
    return Result.isSuccess(summary) && Result.isSuccess(entries)
      ? Result.succeed({ ...summary.success.status, ...entries.success })
      : Result.fail(problemsIn([summary, entries]));
  };
};

/** `NodeOp default/firmware`, as far as the object tells. */
const describe = (kind: string, json: unknown): string => {
  const { name, namespace } = isObject(json) && isObject(json["metadata"]) ? json["metadata"] : {};
  if (typeof name !== "string") return `${kind} without a name`;
  return `${kind} ${objectKey(typeof namespace === "string" ? { namespace, name } : { name })}`;
};

const refuse = (kind: string, json: unknown, problems: ReadonlyArray<Problem>): ApiProblems => {
  const object = describe(kind, json);
  return new ApiProblems({
    object,
    problems: problems.map((problem) => formatProblem(object, problem)),
  });
};

/** The decoders of the parts of one kind, each given the object with that part only. */
interface Parts<Head, Spec, Summary> {
  /** What every version of an object has anew: `apiVersion`, `kind`, `metadata` and fields unknown to us. */
  readonly head: Decode<Head>;
  readonly spec: Decode<{ readonly spec: Spec }>;
  readonly summary: Decode<{ readonly status: Summary }>;
}

const decodeObject = <Head, Spec, Summary>(kind: string, parts: Parts<Head, Spec, Summary>) => {
  const specOf = memoised((spec) => parts.spec(spec === undefined ? {} : { spec }));
  const statusOf = statusDecoder(parts.summary);
  type Whole = Head & { readonly spec: Spec; readonly status: Summary & WithEntries };
  return memoised((json): Result.Result<Whole, ApiProblems> => {
    if (!isObject(json)) {
      return Result.fail(refuse(kind, json, [{ path: [], sentence: mismatch("an object", json) }]));
    }
    const { spec: specJson, status: statusJson, ...headJson } = json;
    const head = parts.head(headJson);
    const spec = specOf(specJson);
    const status = statusOf(statusJson);
    return Result.isSuccess(head) && Result.isSuccess(spec) && Result.isSuccess(status)
      ? Result.succeed({ ...head.success, spec: spec.success.spec, status: status.success })
      : Result.fail(refuse(kind, json, problemsIn([head, spec, status])));
  });
};

const HEAD = ["apiVersion", "kind", "metadata"] as const;

const nodeOp = decodeObject("NodeOp", {
  head: decoderOf(open(Struct.pick(nodeOpFields, HEAD))),
  spec: decoderOf(open(Struct.pick(nodeOpFields, ["spec"]))),
  summary: decoderOf(open({ status: withDefault(NodeOpStatusSummary, INITIAL_STATUS) })),
});

const nodeOpUpgrade = decodeObject("NodeOpUpgrade", {
  head: decoderOf(open(Struct.pick(nodeOpUpgradeFields, HEAD))),
  spec: decoderOf(open(Struct.pick(nodeOpUpgradeFields, ["spec"]))),
  summary: decoderOf(open({ status: withDefault(NodeOpUpgradeStatusSummary, INITIAL_STATUS) })),
});

/**
 * Decodes a NodeOp: defaults filled in, Go's nulls taken as absent, unknown fields kept. The value is plain JSON and
 * may be written back as it is. Memoised by the identity of `json`, of its spec and of each entry of its status.
 */
export const decodeNodeOp = (json: unknown): Result.Result<NodeOp, ApiProblems> => nodeOp(json);

/** Decodes a NodeOpUpgrade, in the same way as `decodeNodeOp`. */
export const decodeNodeOpUpgrade = (json: unknown): Result.Result<NodeOpUpgrade, ApiProblems> =>
  nodeOpUpgrade(json);
