/** The faults that a simulation can be given, as `TARGET:KIND`, `TARGET:KIND=DURATION` or `TARGET:KIND@K` (and `=K`). */
import { Result } from "effect";
import { parseDuration } from "./duration.ts";

/** What is wrong with a node from the start. */
export const NODE_CONDITIONS = [
  "script-fails",
  "script-hangs",
  "image-pull-fails",
  "pods-refused",
  "preflight-skips",
  "preflight-fails",
  "never-returns",
  "falls-back",
  "reboot-silently-fails",
] as const;
export type NodeCondition = (typeof NODE_CONDITIONS)[number];

/** What happens to a node right after the K-th commit. */
export const NODE_EVENTS = [
  "power-loss",
  "reboot-pod-deleted",
  "job-deleted",
  "agent-crash",
] as const;
export type NodeEvent = (typeof NODE_EVENTS)[number];

/** What happens to the operator at its K-th API call. */
export const OPERATOR_FAULTS = ["crash-before", "crash-after", "late-write"] as const;
export type OperatorFault = (typeof OPERATOR_FAULTS)[number];

/** One fault. `at` counts the commits of the cluster from the one that creates the operation, which is 1. */
export type Fault =
  | { readonly _tag: "Condition"; readonly node: string; readonly kind: NodeCondition }
  | { readonly _tag: "SlowReboot"; readonly node: string; readonly millis: number }
  | { readonly _tag: "Event"; readonly node: string; readonly kind: NodeEvent; readonly at: number }
  | { readonly _tag: "Operator"; readonly kind: OperatorFault; readonly call: number }
  | { readonly _tag: "OperationDeleted"; readonly at: number };

const KINDS = `for a node: ${NODE_CONDITIONS.join(", ")}, slow-reboot=DURATION, ${NODE_EVENTS.map((kind) => `${kind}@K`).join(", ")}; operator:${OPERATOR_FAULTS.join("=K, operator:")}=K; operation:deleted@K`;

const includes = <A extends string>(kinds: ReadonlyArray<A>, kind: string): kind is A =>
  kinds.some((known) => known === kind);

const positive = (text: string): number | undefined =>
  /^[1-9]\d*$/u.test(text) ? Number(text) : undefined;

/** Reads one `--fault`; the failure is a sentence that says what to write. Node names are checked later, against the cluster. */
export const parseFault = (text: string): Result.Result<Fault, string> => {
  const match = /^([^:]+):([a-z-]+)(?:([=@])(.+))?$/u.exec(text);
  if (match === null)
    return Result.fail(`--fault ${text}: not of the form TARGET:KIND; kinds are ${KINDS}`);
  const [, target, kind, sign, value] = match;
  const fault = readFault(target!, kind!, sign, value);
  return typeof fault === "string"
    ? Result.fail(`--fault ${text}: ${fault}`)
    : Result.succeed(fault);
};

const readFault = (
  target: string,
  kind: string,
  sign: string | undefined,
  value: string | undefined,
): Fault | string => {
  if (target === "operator") return operatorFault(kind, sign, value);
  if (target === "operation")
    return kind === "deleted"
      ? deletion(sign, value)
      : `unknown kind "${kind}"; write operation:deleted@K`;
  if (includes(NODE_CONDITIONS, kind))
    return sign === undefined
      ? { _tag: "Condition", node: target, kind }
      : `"${kind}" takes no value`;
  if (kind === "slow-reboot") return slowReboot(target, sign, value);
  if (!includes(NODE_EVENTS, kind)) return `unknown kind "${kind}"; kinds are ${KINDS}`;
  const at = sign === "@" ? positive(value!) : undefined;
  return at === undefined
    ? `write ${target}:${kind}@K, where K is the number of a commit, 1 or more`
    : { _tag: "Event", node: target, kind, at };
};

const operatorFault = (
  kind: string,
  sign: string | undefined,
  value: string | undefined,
): Fault | string => {
  if (!includes(OPERATOR_FAULTS, kind))
    return `unknown kind "${kind}"; write operator:${OPERATOR_FAULTS.join("=K, operator:")}=K`;
  const call = sign === "=" ? positive(value!) : undefined;
  return call === undefined
    ? `write operator:${kind}=K, where K is the number of one of its API calls, 1 or more`
    : { _tag: "Operator", kind, call };
};

const deletion = (sign: string | undefined, value: string | undefined): Fault | string => {
  const at = sign === "@" ? positive(value!) : undefined;
  return at === undefined
    ? "write operation:deleted@K, where K is the number of a commit, 1 or more"
    : { _tag: "OperationDeleted", at };
};

const slowReboot = (
  node: string,
  sign: string | undefined,
  value: string | undefined,
): Fault | string => {
  if (sign !== "=") return `write ${node}:slow-reboot=DURATION, as in ${node}:slow-reboot=40m`;
  return Result.match(parseDuration(value!), {
    onSuccess: (millis): Fault | string => ({ _tag: "SlowReboot", node, millis }),
    onFailure: (problem) => problem,
  });
};

/** Whether the fault disturbs this node itself, so that laws about undisturbed nodes do not apply to it. */
export const disturbs = (fault: Fault, node: string): boolean =>
  "node" in fault ? fault.node === node : fault._tag === "OperationDeleted";
