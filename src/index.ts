/** nodeop as a library: simulate upgrades, or run the operator's programs inside another Effect application. */

export { BadInput } from "./programs/simulate/BadInput.ts";
export { type Manifests, readManifests } from "./programs/simulate/manifests.ts";
export type { NodeCounts } from "./programs/simulate/nodesFlag.ts";
export {
  SimulatedNodeResult,
  SimulatedOperationResult,
  SimulatedViolation,
  SimulationResult,
} from "./programs/simulate/result.ts";
export { loadManifests, simulate, type SimulateOptions } from "./programs/simulate/simulate.ts";

export { operator, type OperatorOptions } from "./programs/operator/operator.ts";
export { type OwnPod, rebootAgent } from "./programs/rebootAgent.ts";
export { labelNode, nodeLabeler } from "./programs/nodeLabeler.ts";

export * as KubeError from "./services/KubeError.ts";
export { KubeApi } from "./services/KubeApi.ts";
export { kubeApiLayer } from "./services/kubeApiLayer.ts";
export {
  type KubeRequest,
  KubeTransport,
  type WatchFrame,
  type WatchRequest,
} from "./services/KubeTransport.ts";
export { Host, HostError } from "./services/Host.ts";
export { liveHostLayer } from "./services/liveHost.ts";
export { HostFiles } from "./services/HostFiles.ts";
export { liveHostFilesLayer } from "./services/liveHostFiles.ts";
export { FakeCluster } from "./services/fake/FakeCluster.ts";

export { decide } from "./domain/rollout/decide.ts";
export { type Decision, noteOf } from "./domain/rollout/decision.ts";
export type { Observed } from "./domain/rollout/observed.ts";
export { crds } from "./domain/api/crd.ts";
export { decodeNodeOp, decodeNodeOpUpgrade } from "./domain/api/decode.ts";
export { NodeOp } from "./domain/api/nodeop.ts";
export { NodeOpUpgrade } from "./domain/api/nodeopupgrade.ts";
export { LAWS } from "./domain/invariants/laws.ts";
export { makeMonitors } from "./domain/invariants/makeMonitors.ts";
