/** The faults that a simulation can be given, as `TARGET:KIND`, `TARGET:KIND=DURATION`, `TARGET:KIND@K` (and `=K`) or `TARGET:KIND@K:DURATION`. */
import { Result } from "effect";
import { parseWorkTime } from "./duration.ts";
import { didYouMean } from "./nearest.ts";

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
  "not-ready",
  "volumes-stay",
] as const;
/** The name of something that is wrong with a node from the start. */
export type NodeCondition = (typeof NODE_CONDITIONS)[number];

const CONDITION_MEANINGS: Readonly<Record<NodeCondition, string>> = {
  "script-fails": "the command exits 1 each time",
  "script-hangs": "the command never ends",
  "image-pull-fails": "no image can be pulled",
  "pods-refused": "the API server refuses the operator's Pods for it (admission)",
  "preflight-skips": "the preflight finds nothing to do",
  "preflight-fails": "the preflight exits 1",
  "never-returns": "the machine stays down after the reboot",
  "falls-back": "the new image does not come up; the boot loader takes the old one",
  "reboot-silently-fails": "the reboot command has no effect",
  "not-ready": "its kubelet never calls it Ready",
  "volumes-stay": "no volume that is attached to it is ever detached",
};

/** What happens to a node right after the K-th commit. */
export const NODE_EVENTS = [
  "power-loss",
  "reboot-pod-deleted",
  "job-deleted",
  "agent-crash",
  "node-deleted",
  "cordoned",
  "uncordoned",
] as const;
/** The name of something that happens to a node. */
export type NodeEvent = (typeof NODE_EVENTS)[number];

const EVENT_MEANINGS: Readonly<Record<NodeEvent, string>> = {
  "power-loss": "the machine loses power and boots again",
  "reboot-pod-deleted": "somebody deletes its reboot Pod",
  "job-deleted": "somebody deletes its Job",
  "agent-crash": "the reboot agent on it crashes",
  "node-deleted": "somebody deletes its Node; its kubelet registers a new one when it starts next",
  cordoned: "a person cordons it",
  uncordoned: "a person uncordons it",
};

/** What happens to the operator at its K-th API call. */
export const OPERATOR_FAULTS = ["crash-before", "crash-after", "late-write"] as const;
/** The name of something that happens to the operator. */
export type OperatorFault = (typeof OPERATOR_FAULTS)[number];

const OPERATOR_MEANINGS: Readonly<Record<OperatorFault, string>> = {
  "crash-before": "it dies before its K-th call is applied",
  "crash-after": "it dies after its K-th call was applied",
  "late-write": "it dies, and its K-th call is applied ten minutes later",
};

/** How a person can delete an operation (`kubectl delete --cascade`), by the kind of the fault. */
export const DELETIONS = {
  deleted: "Background",
  "deleted-foreground": "Foreground",
  "deleted-orphan": "Orphan",
} as const;
/** The name of a way to delete an operation. */
export type Deletion = keyof typeof DELETIONS;

const DELETION_MEANINGS: Readonly<Record<Deletion, string>> = {
  deleted: "the user deletes the operation",
  "deleted-foreground": "the same with --cascade=foreground: its children go first",
  "deleted-orphan": "the same with --cascade=orphan: its children stay, without an owner",
};

/** Who can be away for a while, besides the kubelet of a node. */
export const ABSENTEES = ["operator", "api-server", "controller-manager"] as const;
/** The name of somebody who can be away. */
export type Absentee = (typeof ABSENTEES)[number];

const ABSENCE_MEANINGS: Readonly<Record<Absentee, string>> = {
  operator: "no operator runs for that long",
  "api-server": "the API server answers nobody for that long",
  "controller-manager": "no controller of Kubernetes runs for that long",
};

const includes = <A extends string>(kinds: ReadonlyArray<A>, kind: string): kind is A =>
  kinds.some((known) => known === kind);

/** One fault. `at` counts the commits of the cluster from the one that creates the operation, which is 1. */
export type Fault =
  | { readonly _tag: "Condition"; readonly node: string; readonly kind: NodeCondition }
  | { readonly _tag: "SlowReboot"; readonly node: string; readonly millis: number }
  | { readonly _tag: "Event"; readonly node: string; readonly kind: NodeEvent; readonly at: number }
  | { readonly _tag: "Operator"; readonly kind: OperatorFault; readonly call: number }
  | { readonly _tag: "OperationDeleted"; readonly kind: Deletion; readonly at: number }
  | { readonly _tag: "Away"; readonly who: Absentee; readonly at: number; readonly millis: number }
  | {
      readonly _tag: "KubeletAway";
      readonly node: string;
      readonly at: number;
      readonly millis: number;
    };

/** Every form that `--fault` takes, with its meaning, in the order of the help. NODE is the name of a node. */
export const FAULT_FORMS: ReadonlyArray<readonly [form: string, meaning: string]> = [
  ...Object.entries(CONDITION_MEANINGS).map(([kind, what]) => [`NODE:${kind}`, what] as const),
  ["NODE:slow-reboot=DURATION", "the reboot takes that long"],
  ...Object.entries(EVENT_MEANINGS).map(([kind, what]) => [`NODE:${kind}@K`, what] as const),
  ...Object.entries(OPERATOR_MEANINGS).map(([kind, what]) => [`operator:${kind}=K`, what] as const),
  ...Object.entries(DELETION_MEANINGS).map(
    ([kind, what]) => [`operation:${kind}@K`, what] as const,
  ),
  ...Object.entries(ABSENCE_MEANINGS).map(
    ([who, what]) => [`${who}:away@K:DURATION`, what] as const,
  ),
  ["NODE:kubelet-away@K:DURATION", "no kubelet runs on it for that long; its containers run on"],
];

const KUBELET_AWAY = "kubelet-away";
const NODE_KINDS: ReadonlyArray<string> = [
  ...NODE_CONDITIONS,
  "slow-reboot",
  ...NODE_EVENTS,
  KUBELET_AWAY,
];

const KINDS = FAULT_FORMS.map(([form]) => form).join(", ");

/** The fault as it is written on the command line. */
export const describeFault = (fault: Fault): string => {
  switch (fault._tag) {
    case "Condition":
      return `${fault.node}:${fault.kind}`;
    case "SlowReboot":
      return `${fault.node}:slow-reboot`;
    case "Event":
      return `${fault.node}:${fault.kind}@${fault.at}`;
    case "Operator":
      return `operator:${fault.kind}=${fault.call}`;
    case "OperationDeleted":
      return `operation:${fault.kind}@${fault.at}`;
    case "Away":
      return `${fault.who}:away@${fault.at}:${writtenMillis(fault.millis)}`;
    case "KubeletAway":
      return `${fault.node}:${KUBELET_AWAY}@${fault.at}:${writtenMillis(fault.millis)}`;
  }
};

const writtenMillis = (millis: number): string =>
  millis % 1000 === 0 ? `${millis / 1000}s` : `${millis}ms`;

/** `; did you mean power-loss?`, or all that there is. */
const meant = (kind: string, known: ReadonlyArray<string>): string =>
  didYouMean(kind, known) || `; kinds are ${KINDS}`;

const positive = (text: string): number | undefined =>
  /^[1-9]\d*$/u.test(text) ? Number(text) : undefined;

/** Reads one fault; the failure is a sentence that says what to write. Node names are checked later, against the cluster. */
export const parseFault = (text: string): Result.Result<Fault, string> => {
  const match = /^([^:]+):([a-z-]+)(?:([=@])(.+))?$/u.exec(text);
  if (match === null)
    return Result.fail(
      `${text === "" ? '""' : text}: not of the form TARGET:KIND; write one like worker-1:script-fails (nodeop simulate --help lists the kinds)`,
    );
  const [, target, kind, sign, value] = match;
  const fault = readFault(target!, kind!, sign, value);
  return typeof fault === "string" ? Result.fail(`${text}: ${fault}`) : Result.succeed(fault);
};

const readFault = (
  target: string,
  kind: string,
  sign: string | undefined,
  value: string | undefined,
): Fault | string => {
  if (includes(ABSENTEES, target) && (kind === "away" || target !== "operator"))
    return absence(target, kind, sign, value);
  if (target === "operator") return operatorFault(kind, sign, value);
  if (target === "operation") return deletion(kind, sign, value);
  if (includes(NODE_CONDITIONS, kind))
    return sign === undefined
      ? { _tag: "Condition", node: target, kind }
      : `"${kind}" takes no value`;
  if (kind === "slow-reboot") return slowReboot(target, sign, value);
  if (kind === KUBELET_AWAY) {
    const span = spanOf(`${target}:${kind}`, sign, value);
    return typeof span === "string" ? span : { _tag: "KubeletAway", node: target, ...span };
  }
  if (!includes(NODE_EVENTS, kind)) return `unknown kind "${kind}"${meant(kind, NODE_KINDS)}`;
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

const deletion = (
  kind: string,
  sign: string | undefined,
  value: string | undefined,
): Fault | string => {
  const kinds = Object.keys(DELETIONS);
  if (!isDeletion(kind))
    return `unknown kind "${kind}"; write operation:${kinds.join("@K, operation:")}@K`;
  const at = sign === "@" ? positive(value!) : undefined;
  return at === undefined
    ? `write operation:${kind}@K, where K is the number of a commit, 1 or more`
    : { _tag: "OperationDeleted", kind, at };
};

const isDeletion = (kind: string): kind is Deletion => Object.hasOwn(DELETIONS, kind);

const absence = (
  who: Absentee,
  kind: string,
  sign: string | undefined,
  value: string | undefined,
): Fault | string => {
  if (kind !== "away") return `unknown kind "${kind}"; write ${who}:away@K:DURATION`;
  const span = spanOf(`${who}:${kind}`, sign, value);
  return typeof span === "string" ? span : { _tag: "Away", who, ...span };
};

/** `@30:1h`: from which commit on, and for how long. */
const spanOf = (
  what: string,
  sign: string | undefined,
  value: string | undefined,
): { readonly at: number; readonly millis: number } | string => {
  const [, number = "", duration = ""] = /^([^:]*):(.+)$/u.exec(value ?? "") ?? [];
  const at = sign === "@" ? positive(number) : undefined;
  if (at === undefined)
    return `write ${what}@K:DURATION, as in ${what}@30:1h, where K is the number of a commit, 1 or more`;
  return Result.match(parseWorkTime(duration), {
    onSuccess: (millis): { readonly at: number; readonly millis: number } | string => ({
      at,
      millis,
    }),
    onFailure: (problem) => problem,
  });
};

const slowReboot = (
  node: string,
  sign: string | undefined,
  value: string | undefined,
): Fault | string => {
  if (sign !== "=") return `write ${node}:slow-reboot=DURATION, as in ${node}:slow-reboot=40m`;
  return Result.match(parseWorkTime(value!), {
    onSuccess: (millis): Fault | string => ({ _tag: "SlowReboot", node, millis }),
    onFailure: (problem) => problem,
  });
};

/** Whether the fault disturbs this node itself, so that laws about undisturbed nodes do not apply to it. */
export const disturbs = (fault: Fault, node: string): boolean =>
  "node" in fault ? fault.node === node : fault._tag === "OperationDeleted";
