/** What a simulation is told: the manifests, the cluster, the seed, how long things take and what goes wrong. */
import type { Latencies } from "../../services/simulation/Network.ts";
import type { Fault } from "./fault.ts";
import type { Manifests } from "./manifests.ts";
import type { NodeCounts } from "./nodesFlag.ts";

/** The options of a simulation; what is absent has the default that it names. */
export interface SimulationOptions {
  readonly manifests: Manifests;
  /** How many nodes to make up; only when the manifests bring none. Default: 1 control plane and 3 workers. */
  readonly nodes?: NodeCounts | undefined;
  /** Everything that is drawn by chance follows from it. Default: 1. */
  readonly seed?: number | undefined;
  /** How long the command runs on a node, in milliseconds, give or take a quarter. Default: 2 minutes. */
  readonly upgradeMillis?: number | undefined;
  /** From going down to the next boot, in milliseconds, give or take a quarter. Default: 90 seconds. */
  readonly rebootMillis?: number | undefined;
  readonly faults?: ReadonlyArray<Fault> | undefined;
  /** How far each process (`operator`, `kubelet/worker-1`, `job-controller`, …) is from the API server. Default: no latency. */
  readonly latencies?: ((actor: string) => Latencies) | undefined;
  /** The node that the operator runs on: it goes last in its group, and each time it goes down the operator dies with it. */
  readonly operatorNode?: string | undefined;
  /** Nodes that carry the hold of one of the operations from the start: as after an edit, or a claim that was forged. */
  readonly holds?: ReadonlyArray<{ readonly node: string; readonly operation: string }> | undefined;
}

/** The cluster of the demonstration. */
export const DEFAULT_NODES: NodeCounts = { controlPlanes: 1, workers: 3 };
/** The seed where none is given. */
export const DEFAULT_SEED = 1;
/** How long the command takes where nothing else is said: 2 minutes. */
export const DEFAULT_UPGRADE_MILLIS = 120_000;
/** How long a reboot takes where nothing else is said: 90 seconds. */
export const DEFAULT_REBOOT_MILLIS = 90_000;
