/**
 * What containers do on a simulated host. The real images do not run here; what they would do to the host and leave in
 * their termination messages does happen (reference page, "How Upgrade Is Performed" 4–6; kairos.md a4, a7). Only the reboot agent is the real
 * program.
 */
import { Effect, Option } from "effect";
import { controllerOf } from "../../domain/kube/object.ts";
import { LABEL_PREFLIGHT, LABEL_REBOOT } from "../../domain/labels.ts";
import { versionOfImage } from "../../domain/version.ts";
import type { KubeTransport } from "../KubeTransport.ts";
import { drawMillis } from "./behaviour.ts";
import type { ContainerExit, Launched } from "./containerRuntime.ts";
import type { SimulatedHost } from "./host.ts";
import type { MachineProcess } from "./machine.ts";
import { type Container, LABEL_CONTROLLER_UID, type Pod } from "./pod.ts";

/** The container that runs an operation's command. */
const COMMAND_CONTAINER = "nodeop";
/** The container that writes the sentinel. */
const SENTINEL_CONTAINER = "sentinel-creator";
/** Comment lines by which the upgrade script tells which partitions it writes (kairos.md a4). */
const WRITES_RECOVERY = "# Upgrade recovery partition";
const WRITES_ACTIVE = "# Upgrade active partition";
/** The upgrade script contains this when it does nothing where the image's version already runs. */
const CHECKS_VERSION = "Up to date";

const succeeded: ContainerExit = { exitCode: 0 };
const failed: ContainerExit = { exitCode: 1 };

/** Starts the reboot agent of a reboot Pod as `agent/<node>`. */
export type LaunchAgent = (
  host: SimulatedHost,
  pod: Pod,
  self: MachineProcess,
) => Effect.Effect<ContainerExit, never, KubeTransport>;

/** Starts what a container of a Pod does on a host. */
export const launchContainer = (
  launchAgent: LaunchAgent,
  host: SimulatedHost,
  pod: Pod,
  container: Container,
): Launched => {
  const { machine } = host;
  if (pod.metadata.labels?.[LABEL_REBOOT] !== undefined) {
    const agent = `agent/${host.name}`;
    return { process: machine.spawnClient(agent, agent, (self) => launchAgent(host, pod, self)) };
  }
  const name = `container/${host.name}/${pod.metadata.name}/${container.name}`;
  const run = (program: Effect.Effect<ContainerExit>) => machine.spawn(name, () => program);
  if (pod.metadata.labels?.[LABEL_PREFLIGHT] !== undefined)
    return { process: run(preflight(host, container)) };
  if (container.name === SENTINEL_CONTAINER) return { process: run(writeSentinel(host, pod)) };
  if (container.name !== COMMAND_CONTAINER) return { process: run(Effect.never) };
  const ids = { pod: pod.metadata.uid, job: jobOf(pod) };
  host.tell({ event: "scriptStarted", ...ids });
  return {
    process: run(runCommand(host, container)),
    ended: (exitCode) => host.tell({ event: "scriptEnded", ...ids, exitCode }),
  };
};

/** The uid of the Job that owns the Pod; empty for a Pod without a Job. */
const jobOf = (pod: Pod): string => {
  const owner = controllerOf(pod.metadata);
  return pod.metadata.labels?.[LABEL_CONTROLLER_UID] ?? (owner?.kind === "Job" ? owner.uid : "");
};

/** Both versions, when both are known and equal: unknown versions never count as equal (design.md §5). */
const commonVersion = (host: SimulatedHost, image: string): Option.Option<string> => {
  const running = host.boot.system.version;
  return running !== undefined && running === versionOfImage(image)
    ? Option.some(running)
    : Option.none();
};

/** The preflight contract: a termination message means that there is nothing to do on this node. */
const preflight = (host: SimulatedHost, container: Container): Effect.Effect<ContainerExit> =>
  Effect.sync(() => {
    if (host.behaviour.preflight === "fails") return failed;
    if (host.behaviour.preflight === "skips")
      return { exitCode: 0, message: "the node asked to be skipped" };
    return Option.match(commonVersion(host, container.image), {
      onNone: () => succeeded,
      onSome: (version) => ({ exitCode: 0, message: `node is already at ${version}` }),
    });
  });

/** The operation's command. An upgrade's ends with the version that it leaves as its termination message. */
const runCommand = Effect.fnUntraced(function* (host: SimulatedHost, container: Container) {
  yield* Effect.sleep(yield* drawMillis(host.behaviour.scriptSeconds));
  if (host.behaviour.script === "hangs") return yield* Effect.never;
  if (host.behaviour.script === "fails") return failed;
  return upgrade(host, container);
});

const upgrade = (
  host: SimulatedHost,
  { image, command = [], args = [] }: Container,
): ContainerExit => {
  const text = [...command, ...args].join("\n");
  const recovery = text.includes(WRITES_RECOVERY);
  const active = text.includes(WRITES_ACTIVE);
  if (!recovery && !active) return succeeded;
  const upToDate = text.includes(CHECKS_VERSION) && Option.isSome(commonVersion(host, image));
  if (recovery && !upToDate) host.upgrade("recovery", image);
  if (active && !upToDate) host.upgrade("active", image);
  return { exitCode: 0, message: versionOfImage(image) };
};

/** Writes the sentinel of the Pod's Job with fsync, as our script does. */
const writeSentinel = (host: SimulatedHost, pod: Pod): Effect.Effect<ContainerExit> =>
  Effect.sync(() => {
    if (host.behaviour.sentinel === "fails") return failed;
    const job = jobOf(pod);
    const { bootID } = host.boot;
    host.sentinels.write(job, bootID, { synced: true });
    host.tell({ event: "sentinelWritten", job, bootID });
    return succeeded;
  });
