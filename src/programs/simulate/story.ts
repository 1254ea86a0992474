/** The story of a simulation, as a person reads it: what was to be done, each step with its reason, and how it ended. */
import { Result } from "effect";
import { decodeNodeOp, decodeNodeOpUpgrade } from "../../domain/api/decode.ts";
import { versionOfImage, shortVersion } from "../../domain/version.ts";
import { formatClock } from "./duration.ts";
import type { SimulationOptions } from "./options.ts";
import type { StoryLine } from "./Recorder.ts";
import type { SimulationResult } from "./result.ts";
import { simulatedNodes } from "./scenario.ts";
import type { Simulation } from "./simulation.ts";

/** Above this many targets only what is out of the ordinary is told line by line. */
const TOLD_IN_FULL_MAX = 24;
const NAMES_SHOWN = 6;

/** The whole story, ending in a newline. `again` is the command line that was typed, for the suggestion at the end. */
export const story = (
  simulation: Simulation,
  options: SimulationOptions,
  again: string,
): string => {
  const { result } = simulation;
  return [
    ...header(result, options),
    ...body(simulation),
    ...closing(simulation),
    `Next: ${next(result, again)}`,
    "",
  ].join("\n");
};

const count = (many: number, one: string): string => `${many} ${one}${many === 1 ? "" : "s"}`;

const header = (result: SimulationResult, options: SimulationOptions): ReadonlyArray<string> => {
  const controlPlanes = result.nodes.filter((node) => node.controlPlane).length;
  const workers = result.nodes.length - controlPlanes;
  const kinds = [
    controlPlanes === 0 ? "" : count(controlPlanes, "control plane"),
    workers === 0 ? "" : count(workers, "worker"),
  ].filter((part) => part !== "");
  const nodes =
    result.nodes.length === 0
      ? "no nodes"
      : `${count(result.nodes.length, "node")} (${kinds.join(", ")})`;
  const lines = options.manifests.operations.map((operation) => {
    const { name, how } = describe(operation);
    return `${name}: ${nodes}, ${how}. Simulated, seed ${result.seed}`;
  });
  return result.nodes.length === 0 ? lines : [...lines, orderLine(result, options)];
};

const describe = (operation: {
  readonly kind: string;
  readonly metadata: { readonly name?: string };
}) => {
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
  return { name: operation.metadata.name ?? "", how: `${pace}, ${onFailure}` };
};

const orderLine = (result: SimulationResult, options: SimulationOptions): string => {
  const names = result.nodes.map((node) => node.name);
  const shown =
    names.length <= NAMES_SHOWN
      ? names.join(" → ")
      : `${names.slice(0, NAMES_SHOWN - 1).join(" → ")} → … → ${names.at(-1)}`;
  const [first] = simulatedNodes(options);
  const before = first === undefined ? undefined : versionOfImage(first.image);
  const image = options.manifests.operations.flatMap(({ kind, spec }) =>
    kind === "NodeOpUpgrade" && typeof spec === "object" && spec !== null && "image" in spec
      ? [String(spec.image)]
      : [],
  )[0];
  const after = image === undefined ? undefined : versionOfImage(image);
  const versions =
    before === undefined || image === undefined
      ? ""
      : `      ${shortVersion(before)} → ${after === undefined ? "unknown version" : shortVersion(after)}`;
  return `order  ${shown}${versions}`;
};

const body = (simulation: Simulation): ReadonlyArray<string> => {
  const { lines, result, startedAt } = simulation;
  const told = result.nodes.length <= TOLD_IN_FULL_MAX ? lines : folded(lines, result.nodes.length);
  const names = told.map(({ node }) => node ?? "");
  const nodeWidth = Math.max(4, ...names.map((name) => name.length));
  const stepWidth = Math.max(9, ...told.map(({ step }) => step.length));
  const clockWidth = Math.max(5, formatClock(simulation.endedAt - startedAt).length);
  return told.map(({ at, node, step, text }) =>
    [
      formatClock(at - startedAt).padStart(clockWidth),
      (node ?? "").padEnd(nodeWidth),
      step.padEnd(stepWidth),
      text,
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

const closing = (simulation: Simulation): ReadonlyArray<string> => {
  const { result, startedAt, endedAt, laws, commits, calls } = simulation;
  const skipped = result.nodes.filter((node) => node.reason === "Skipped").length;
  const upgraded = result.nodes.filter((node) => node.phase === "Completed").length - skipped;
  const failed = result.nodes.filter((node) => node.phase === "Failed").length;
  const waiting = result.nodes.length - skipped - upgraded - failed;
  const broken = new Set(result.violations.map(({ law }) => law));
  const requests = Object.values(result.requests).reduce((sum, many) => sum + many, 0);
  const counts = [
    `${upgraded} ${simulation.upgrades ? "upgraded" : "done"}`,
    `${skipped} skipped`,
    `${failed} failed`,
    ...(waiting === 0 ? [] : [`${waiting} not started`]),
  ].join(", ");
  return [
    "",
    `${formatClock(endedAt - startedAt).padStart(5)}  ${result.phase}: ${counts}. Peak ${result.peakInFlight} in flight, ${requests} requests (${result.writes} writes), ${laws - broken.size} of ${laws} laws held`,
    ...(result.phase === "Completed" ? [] : [`       ${result.message}`]),
    ...result.violations.map(
      ({ law, message, virtualSeconds }) =>
        `BROKEN ${law} at ${formatClock(virtualSeconds * 1000)}: ${message} (replay with --seed ${result.seed})`,
    ),
    `Faults at K: 1 to ${commits} for commits, 1 to ${calls} for calls of the operator`,
  ];
};

const next = (result: SimulationResult, again: string): string => {
  if (result.nodes.length === 0) return `${again}, with a nodeSelector that matches`;
  if (result.phase !== "Completed") return `${again} --output json`;
  const victim = result.nodes[Math.min(1, result.nodes.length - 1)]!.name;
  return again.includes("--fault")
    ? `${again} --seed ${result.seed + 1}`
    : `${again} --fault ${victim}:script-fails`;
};
