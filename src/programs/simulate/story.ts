/** The story of a simulation, as a person reads it: what was to be done, each step with its reason, and how it ended. */
import { Result } from "effect";
import { decodeNodeOp, decodeNodeOpUpgrade } from "../../domain/api/decode.ts";
import type { NewKubeObject } from "../../domain/kube/object.ts";
import { SKIPPED } from "../../domain/rollout/reason.ts";
import { versionOfImage, shortVersion } from "../../domain/version.ts";
import { templateOf } from "../../services/world/registration.ts";
import { formatClock } from "./duration.ts";
import type { SimulationOptions } from "./options.ts";
import { objectName, shortNames } from "./operations.ts";
import type { StoryLine } from "./Recorder.ts";
import {
  NOT_STARTED,
  type SimulatedNodeResult,
  type SimulatedOperationResult,
  type SimulationResult,
} from "./result.ts";
import { simulatedNodes } from "./scenario.ts";
import type { Simulation } from "./result.ts";

/** Above this many targets only what is out of the ordinary is told line by line. */
const TOLD_IN_FULL_MAX = 24;
const NAMES_SHOWN = 6;
const LABELS_SHOWN = 12;

/** The whole story, ending in a newline. `again` is the command line that was typed, for the suggestion at the end. */
export const story = (
  simulation: Simulation,
  options: SimulationOptions,
  again: string,
): string => {
  const { result } = simulation;
  const parts = partsOf(result, options);
  return [
    ...header(result, parts, options),
    ...body(simulation, parts),
    ...closing(simulation, parts),
    ...labelsToSelect(parts, options),
    `Next: ${next(result, again)}`,
    "",
  ].join("\n");
};

const count = (many: number, one: string): string => `${many} ${one}${many === 1 ? "" : "s"}`;

/** One operation, and its nodes. */
interface Part {
  readonly operation: NewKubeObject;
  /** What a story calls it. */
  readonly name: string;
  readonly nodes: ReadonlyArray<SimulatedNodeResult>;
}

const partsOf = (result: SimulationResult, options: SimulationOptions): ReadonlyArray<Part> => {
  const { operations } = options.manifests;
  const names = shortNames(operations);
  return operations.map((operation) => {
    const full = objectName(operation);
    const isItsOwn = ({ operation: of }: SimulatedNodeResult) => of === undefined || of === full;
    return { operation, name: names.get(full)!, nodes: result.nodes.filter(isItsOwn) };
  });
};

const header = (
  { seed }: SimulationResult,
  parts: ReadonlyArray<Part>,
  options: SimulationOptions,
): ReadonlyArray<string> => [
  ...parts.map(
    ({ operation, name, nodes }) =>
      `${name}: ${census(nodes)}, ${describe(operation)}. Simulated, seed ${seed}`,
  ),
  ...parts
    .filter(({ nodes }) => nodes.length > 0)
    .map((part) => orderLine(part, options, parts.length > 1 ? `${part.name}: ` : "")),
];

const census = (nodes: ReadonlyArray<SimulatedNodeResult>): string => {
  if (nodes.length === 0) return "no nodes";
  const controlPlanes = nodes.filter((node) => node.controlPlane).length;
  const workers = nodes.length - controlPlanes;
  const kinds = [
    controlPlanes === 0 ? "" : count(controlPlanes, "control plane"),
    workers === 0 ? "" : count(workers, "worker"),
  ].filter((part) => part !== "");
  return `${count(nodes.length, "node")} (${kinds.join(", ")})`;
};

/** How carefully: `one at a time, stop on failure`. */
const describe = (operation: NewKubeObject): string => {
  const stored = {
    ...operation,
    metadata: {
      ...operation.metadata,
      uid: "",
      resourceVersion: "0",
      creationTimestamp: "1970-01-01T00:00:00Z",
    },
  };
  const spec =
    operation.kind === "NodeOp"
      ? Result.getOrUndefined(decodeNodeOp(stored))?.spec
      : Result.getOrUndefined(decodeNodeOpUpgrade(stored))?.spec;
  const concurrency = spec?.concurrency ?? 0;
  const pace =
    concurrency === 0
      ? "all at once"
      : concurrency === 1
        ? "one at a time"
        : `${concurrency} at a time`;
  const onFailure = spec?.stopOnFailure === true ? "stop on failure" : "go on after failures";
  return `${pace}, ${onFailure}`;
};

const orderLine = (
  { operation: { kind, spec }, nodes }: Part,
  options: SimulationOptions,
  prefix: string,
): string => {
  const names = nodes.map((node) => node.name);
  const shown =
    names.length <= NAMES_SHOWN
      ? names.join(" → ")
      : `${names.slice(0, NAMES_SHOWN - 1).join(" → ")} → … → ${names.at(-1)}`;
  const [first] = simulatedNodes(options);
  const before = first === undefined ? undefined : versionOfImage(first.image);
  const isUpgrade =
    kind === "NodeOpUpgrade" && typeof spec === "object" && spec !== null && "image" in spec;
  const after = isUpgrade ? versionOfImage(String(spec.image)) : undefined;
  const versions =
    before === undefined || !isUpgrade
      ? ""
      : `      ${shortVersion(before)} → ${after === undefined ? "unknown version" : shortVersion(after)}`;
  return `order  ${prefix}${shown}${versions}`;
};

const widest = (least: number, words: ReadonlyArray<string>): number =>
  words.reduce((width, word) => Math.max(width, word.length), least);

const body = (simulation: Simulation, parts: ReadonlyArray<Part>): ReadonlyArray<string> => {
  const { lines, result, startedAt } = simulation;
  const told = result.nodes.length <= TOLD_IN_FULL_MAX ? lines : folded(lines, result.nodes.length);
  const names = new Map(parts.map(({ operation, name }) => [objectName(operation), name]));
  const nameOf = ({ operation }: StoryLine): string => names.get(operation ?? "") ?? "";
  const nameWidth = widest(0, [...names.values()]);
  const nodeWidth = widest(
    4,
    told.map(({ node }) => node ?? ""),
  );
  const stepWidth = widest(
    9,
    told.map(({ step }) => step),
  );
  const clockWidth = Math.max(5, formatClock(simulation.endedAt - startedAt).length);
  return told.map((line) =>
    [
      formatClock(line.at - startedAt).padStart(clockWidth),
      ...(parts.length > 1 ? [nameOf(line).padEnd(nameWidth)] : []),
      (line.node ?? "").padEnd(nodeWidth),
      line.step.padEnd(stepWidth),
      line.text,
    ].join("  "),
  );
};

const ORDINARY = new Set(["claimed", "upgrading", "rebooting", "done", "skipped"]);
const ENDS = new Set(["done", "skipped", "failed"]);

/** What is out of the ordinary, line by line; the rest as progress at every tenth. */
const folded = (lines: ReadonlyArray<StoryLine>, total: number): ReadonlyArray<StoryLine> => {
  let ended = 0;
  return lines.flatMap((line) => {
    const before = Math.floor((ended * 10) / total);
    if (ENDS.has(line.step)) ended++;
    const isTenth = Math.floor((ended * 10) / total) > before;
    const progress: ReadonlyArray<StoryLine> = isTenth
      ? [{ at: line.at, step: "progress", text: `${ended} of ${total} nodes have ended` }]
      : [];
    return ORDINARY.has(line.step) ? progress : [line, ...progress];
  });
};

const closing = (simulation: Simulation, parts: ReadonlyArray<Part>): ReadonlyArray<string> => {
  const { result, startedAt, endedAt, laws, commits, calls } = simulation;
  const broken = new Set(result.violations.map(({ law }) => law));
  const requests = Object.values(result.requests).reduce((sum, many) => sum + many, 0);
  const counts = countsOf(result.nodes, simulation.upgrades ? "upgraded" : "done");
  const clock = formatClock(endedAt - startedAt).padStart(5);
  return [
    "",
    `${clock}  ${phaseOf(result)}: ${counts}. Peak ${result.peakInFlight} in flight, ${count(requests, "request")} (${count(result.writes, "write")}), ${laws - broken.size} of ${laws} laws held`,
    ...(result.phase === "Completed" || parts.length > 1 ? [] : [`       ${result.message}`]),
    ...(result.operations ?? []).map((reported) =>
      closingOf(
        parts.find((part) => objectName(part.operation) === reported.operation)!,
        reported,
      ),
    ),
    ...result.violations.map(
      ({ law, message, virtualSeconds }) =>
        `BROKEN ${law} at ${formatClock(virtualSeconds * 1000)}: ${message} (replay with --seed ${result.seed})`,
    ),
    ...(result.faultsMissed ?? []).map((missed) => `Did not happen: ${missed}`),
    `Faults at K: 1 to ${commits} for commits, 1 to ${calls} for calls of the operator`,
  ];
};

/** The phase, with what it does not tell: that nothing is left to do. */
const phaseOf = ({ phase, open }: Pick<SimulatedOperationResult, "phase" | "open">): string =>
  open === true ? `${phase}, nothing left to do` : phase;

/** How one of several operations ended. */
const closingOf = (
  { operation, name, nodes }: Part,
  reported: SimulatedOperationResult,
): string => {
  const { phase, message } = reported;
  const counts = countsOf(nodes, operation.kind === "NodeOp" ? "done" : "upgraded");
  const why = phase === "Completed" ? "" : `. ${message}`;
  return `       ${name}: ${phaseOf(reported)}: ${counts}${why}`;
};

/** A phase may be ahead of its node: only what has ended counts as what it came to. */
const countsOf = (nodes: ReadonlyArray<SimulatedNodeResult>, done: string): string => {
  const ended = nodes.filter((node) => node.endedAt !== undefined);
  const skipped = ended.filter((node) => node.reason === SKIPPED).length;
  const completed = ended.filter((node) => node.phase === "Completed").length - skipped;
  const failed = ended.filter((node) => node.phase === "Failed").length;
  const waiting = nodes.filter((node) => node.phase === NOT_STARTED).length;
  const inFlight = nodes.length - ended.length - waiting;
  return [
    `${completed} ${done}`,
    `${skipped} skipped`,
    `${failed} failed`,
    ...(inFlight === 0 ? [] : [`${inFlight} in flight`]),
    ...(waiting === 0 ? [] : [`${waiting} not started`]),
  ].join(", ");
};

/** Where nothing is selected: what could be. */
const labelsToSelect = (
  parts: ReadonlyArray<Part>,
  options: SimulationOptions,
): ReadonlyArray<string> => {
  if (parts.every(({ nodes }) => nodes.length > 0)) return [];
  const labels = new Set(
    simulatedNodes(options).flatMap((node) =>
      Object.entries(templateOf(node).labels ?? {}).map(([key, value]) =>
        value === "" ? key : `${key}=${value}`,
      ),
    ),
  );
  const shown = [...labels].slice(0, LABELS_SHOWN).join(", ");
  const more = labels.size > LABELS_SHOWN ? ", …" : "";
  return [
    labels.size === 0
      ? "The nodes have no labels of their own"
      : `The nodes have the labels ${shown}${more}`,
  ];
};

const next = (result: SimulationResult, again: string): string => {
  if (result.nodes.length === 0) return `${again}, with a nodeSelector that matches`;
  if (result.phase !== "Completed" && result.open !== true) return `${again} --output json`;
  const victim = result.nodes[Math.min(1, result.nodes.length - 1)]!.name;
  return again.includes("--fault")
    ? `${again} --seed ${result.seed + 1}`
    : `${again} --fault ${victim}:script-fails`;
};
