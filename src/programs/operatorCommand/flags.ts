/** The flags of `nodeop operator`. One table, which docs/operator.md shows: flag, environment variable, default, meaning. */
import { Config, Option } from "effect";
import { Flag } from "effect/cli";
import { DEFAULT_SETTINGS } from "../../domain/rollout/observed.ts";

/** The name of the original operator's Lease: of ours and the original only one may act. */
export const LEASE_NAME = "ce9721c3.kairos.io";

/** One setting as people see it. The flag comes before the environment, the environment before the default. */
export interface Setting {
  readonly flag: string;
  readonly env: string;
  /** What holds when nothing is given, in words. */
  readonly default: string;
  readonly meaning: string;
}

export const SETTINGS = {
  namespace: {
    flag: "namespace",
    env: "NODEOP_NAMESPACE",
    default: "all namespaces",
    meaning: "Work on the NodeOps and NodeOpUpgrades of this namespace only.",
  },
  leaderElect: {
    flag: "leader-elect",
    env: "NODEOP_LEADER_ELECT",
    default: "true",
    meaning: "Act only while holding the Lease; `--no-leader-elect` acts at once.",
  },
  leaseName: {
    flag: "lease-name",
    env: "NODEOP_LEASE_NAME",
    default: LEASE_NAME,
    meaning: "Name of the Lease; the default is the original operator's, so that both never act.",
  },
  leaseNamespace: {
    flag: "lease-namespace",
    env: "CONTROLLER_POD_NAMESPACE",
    default: "the Pod's own namespace, else operator-system",
    meaning: "Namespace of the Lease.",
  },
  healthAddress: {
    flag: "health-address",
    env: "NODEOP_HEALTH_ADDRESS",
    default: ":8081",
    meaning: "Where /healthz and /readyz are served; `0` turns it off.",
  },
  metricsAddress: {
    flag: "metrics-address",
    env: "NODEOP_METRICS_ADDRESS",
    default: ":8080",
    meaning: "Where /metrics is served; `0` turns it off.",
  },
  operatorImage: {
    flag: "operator-image",
    env: "OPERATOR_IMAGE",
    default: DEFAULT_SETTINGS.operatorImage,
    meaning: "Image of nodeop itself, which reboot Pods run; by digest if you like.",
  },
  sentinelImage: {
    flag: "sentinel-image",
    env: "SENTINEL_IMAGE",
    default: "spec.image, else the default image",
    meaning: "Image of the container that marks a Job as done; it needs /bin/sh.",
  },
  defaultImage: {
    flag: "default-image",
    env: "NODEOP_DEFAULT_IMAGE",
    default: DEFAULT_SETTINGS.defaultImage,
    meaning: "Image of NodeOps that name none.",
  },
  sentinelDirectory: {
    flag: "sentinel-directory",
    env: "NODEOP_SENTINEL_DIRECTORY",
    default: DEFAULT_SETTINGS.sentinelDir,
    meaning: "Directory on the hosts that survives a reboot.",
  },
  nodeName: {
    flag: "node",
    env: "NODE_NAME",
    default: "unknown",
    meaning: "The node that the operator runs on: it goes last in its group.",
  },
  maxUnavailable: {
    flag: "max-unavailable",
    env: "NODEOP_MAX_UNAVAILABLE",
    default: "no limit",
    meaning:
      "Start no node when more than this many, such as 3 or 10%, would be in flight or unavailable over all operations.",
  },
  workers: {
    flag: "workers",
    env: "NODEOP_WORKERS",
    default: "4",
    meaning: "Operations of each kind that are reconciled at the same time.",
  },
  logLevel: {
    flag: "log-level",
    env: "NODEOP_LOG_LEVEL",
    default: "info",
    meaning: "trace, debug, info, warn, error, fatal, or none.",
  },
  kubeconfig: {
    flag: "kubeconfig",
    env: "KUBECONFIG",
    default: "the Pod's ServiceAccount, else ~/.kube/config",
    meaning: "Kubeconfig to use outside of a cluster.",
  },
  context: {
    flag: "context",
    env: "NODEOP_CONTEXT",
    default: "the current context",
    meaning: "Context of the kubeconfig.",
  },
} as const satisfies Readonly<Record<string, Setting>>;

/** A default is not shown in help by itself. */
const described = <A>(flag: Flag.Flag<A>, setting: Setting) =>
  Flag.withDescription(
    flag,
    `${setting.meaning} Default: ${setting.default}. Environment: ${setting.env}.`,
  );

/** Every value is read as text, so that all that is wrong is said at once and in the same words. */
const text = (setting: Setting) =>
  described(Flag.String(setting.flag), setting).pipe(
    Flag.withFallbackConfig(Config.String(setting.env)),
    Flag.optional,
    // An empty variable is one that is not set: manifests cannot leave out a value of a ConfigMap.
    Flag.map(Option.filter((value) => value !== "")),
    Flag.map(Option.getOrUndefined),
  );

export const operatorFlags = {
  namespace: text(SETTINGS.namespace),
  leaderElect: described(Flag.Boolean(SETTINGS.leaderElect.flag), SETTINGS.leaderElect).pipe(
    Flag.map(String),
    Flag.withFallbackConfig(Config.String(SETTINGS.leaderElect.env)),
    Flag.withDefault(SETTINGS.leaderElect.default),
    Flag.map((value) => value || SETTINGS.leaderElect.default),
  ),
  leaseName: text(SETTINGS.leaseName),
  leaseNamespace: text(SETTINGS.leaseNamespace),
  healthAddress: text(SETTINGS.healthAddress),
  metricsAddress: text(SETTINGS.metricsAddress),
  operatorImage: text(SETTINGS.operatorImage),
  sentinelImage: text(SETTINGS.sentinelImage),
  defaultImage: text(SETTINGS.defaultImage),
  sentinelDirectory: text(SETTINGS.sentinelDirectory),
  nodeName: text(SETTINGS.nodeName),
  maxUnavailable: text(SETTINGS.maxUnavailable),
  workers: text(SETTINGS.workers),
  kubeconfig: described(Flag.String(SETTINGS.kubeconfig.flag), SETTINGS.kubeconfig).pipe(
    // Its environment variable is read where kubeconfigs are: a list of files, as for kubectl.
    Flag.optional,
    Flag.map(Option.getOrUndefined),
  ),
  context: text(SETTINGS.context),
};

/** What was given, as text; undefined where the default holds. */
export type OperatorText = {
  readonly [Name in keyof typeof operatorFlags]: string | undefined;
};
