/** nodeop against a real cluster. Apart from the main entry because it brings client-node, which takes time to load. */

export { type LiveTransportOptions, liveTransportLayer } from "./services/live/liveTransport.ts";
export {
  type FoundKubeConfig,
  type KubeConfigOptions,
  loadKubeConfig,
} from "./services/live/kubeconfig.ts";
export { LiveConfigError } from "./services/live/LiveConfigError.ts";
export { apiDurations, apiMetricsLayer, apiRequests } from "./services/apiMetrics.ts";
