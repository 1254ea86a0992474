/** The machines of a simulation: how many, which are control planes, what runs on them, and how each behaves. */
import { isControlPlane } from "../../domain/order.ts";
import type { NodeBehaviour, SecondsRange } from "../../services/world/behaviour.ts";
import type { SimulatedNode } from "../../services/world/registration.ts";
import type { Fault } from "./fault.ts";
import { saysNotReady } from "./nodeManifest.ts";
import {
  DEFAULT_NODES,
  DEFAULT_REBOOT_MILLIS,
  DEFAULT_UPGRADE_MILLIS,
  type SimulationOptions,
} from "./options.ts";

/** What simulated nodes run before anything happens: the patch release before that of the reference page's example. */
const RUNNING_IMAGE =
  "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.1-k3sv1.30.11-k3s1";

const PULL_SECONDS: SecondsRange = [5, 25];

/** The nodes of the manifests, or as many as asked for. */
export const simulatedNodes = (options: SimulationOptions): ReadonlyArray<SimulatedNode> => {
  const faults = options.faults ?? [];
  const behaviour = (name: string) => behaviourOf(options, faults, name);
  const own = options.manifests.nodes.map((node): SimulatedNode => {
    const name = node.metadata.name ?? "";
    return {
      name,
      controlPlane: isControlPlane(node.metadata.labels),
      image: RUNNING_IMAGE,
      behaviour: { ...behaviour(name), ...(saysNotReady(node) ? { neverReady: true } : {}) },
      node,
    };
  });
  if (own.length > 0) return own;
  const { controlPlanes, workers } = options.nodes ?? DEFAULT_NODES;
  const made = (prefix: string, count: number, controlPlane: boolean) =>
    Array.from({ length: count }, (_, index): SimulatedNode => {
      const name = `${prefix}-${index + 1}`;
      return { name, controlPlane, image: RUNNING_IMAGE, behaviour: behaviour(name) };
    });
  return [...made("cp", controlPlanes, true), ...made("worker", workers, false)];
};

/** A quarter less to a quarter more, in seconds. */
const around = (millis: number): SecondsRange => [(millis * 0.75) / 1000, (millis * 1.25) / 1000];

const behaviourOf = (
  options: SimulationOptions,
  faults: ReadonlyArray<Fault>,
  node: string,
): NodeBehaviour => {
  const usual: NodeBehaviour = {
    pullSeconds: PULL_SECONDS,
    scriptSeconds: around(options.upgradeMillis ?? DEFAULT_UPGRADE_MILLIS),
    rebootSeconds: around(options.rebootMillis ?? DEFAULT_REBOOT_MILLIS),
  };
  return faults
    .filter((fault) => "node" in fault && fault.node === node)
    .reduce((behaviour, fault) => ({ ...behaviour, ...changeOf(fault) }), usual);
};

const changeOf = (fault: Fault): Partial<NodeBehaviour> => {
  if (fault._tag === "SlowReboot")
    return { rebootSeconds: [fault.millis / 1000, fault.millis / 1000] };
  if (fault._tag !== "Condition") return {};
  switch (fault.kind) {
    case "script-fails":
      return { script: "fails" };
    case "script-hangs":
      return { script: "hangs" };
    case "image-pull-fails":
      return { pullFails: true };
    case "preflight-skips":
      return { preflight: "skips" };
    case "preflight-fails":
      return { preflight: "fails" };
    case "never-returns":
      return { reboot: "never-returns" };
    case "falls-back":
      return { reboot: "falls-back" };
    case "reboot-silently-fails":
      return { reboot: "silently-fails" };
    // Not the machine's doing: the API server refuses the Pods (FaultInjector).
    case "pods-refused":
      return {};
    case "not-ready":
      return { neverReady: true };
    case "volumes-stay":
      return { volumes: "stay" };
  }
};
