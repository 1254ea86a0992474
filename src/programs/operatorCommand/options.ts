/** From the text of flags and environment to the options of the operator, or to everything that is wrong with it. */
import { type LogLevel, Result } from "effect";
import { type Ceiling, parseCeiling } from "../../domain/ceiling/limit.ts";
import { isDnsLabel, isDnsSubdomain } from "../../domain/kube/dns.ts";
import type { Settings } from "../../domain/rollout/observed.ts";
import { type OperatorText, type Setting, SETTINGS } from "./flags.ts";

/** Where a server listens. Without `host`: on all addresses. */
export interface Address {
  readonly host: string | undefined;
  readonly port: number;
}

/** What the operator was told, checked. */
export interface OperatorConfig {
  readonly namespace: string | undefined;
  readonly leaderElect: boolean;
  readonly leaseName: string;
  /** Absent: the namespace of the Pod. */
  readonly leaseNamespace: string | undefined;
  /** Absent: not served. */
  readonly healthAddress: Address | undefined;
  readonly metricsAddress: Address | undefined;
  readonly settings: Settings;
  /** Absent: as many nodes as the operations say. */
  readonly maxUnavailable: Ceiling | undefined;
  readonly workers: number;
  readonly logLevel: LogLevel.LogLevel;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
}

type Parse<A> = (text: string) => Result.Result<A, string>;

const flag: Parse<boolean> = (text) => {
  const word = text.toLowerCase();
  if (["true", "yes", "on", "1"].includes(word)) return Result.succeed(true);
  return ["false", "no", "off", "0"].includes(word)
    ? Result.succeed(false)
    : Result.fail("must be true or false");
};

const WORKERS_MAX = 1000;
const workers: Parse<number> = (text) => {
  const value = Number(text);
  return /^\d+$/u.test(text) && value >= 1 && value <= WORKERS_MAX
    ? Result.succeed(value)
    : Result.fail(`must be a whole number from 1 to ${WORKERS_MAX}`);
};

/** `:8081`, `127.0.0.1:8081`, `[::1]:8081`; `0` is nowhere. Port 0 is one that is free. */
const address: Parse<Address | undefined> = (text) => {
  if (text === "0") return Result.succeed(undefined);
  const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]*):(\d{1,5})$/u.exec(text) ?? [];
  const number = Number(port);
  if (host === undefined || port === undefined || number > 65_535)
    return Result.fail("must be :PORT, HOST:PORT, or 0 for none");
  return Result.succeed({ host: host.replaceAll(/[[\]]/gu, "") || undefined, port: number });
};

const namespace: Parse<string> = (text) =>
  isDnsLabel(text)
    ? Result.succeed(text)
    : Result.fail("must be the name of a namespace: lower case letters, digits and dashes");

const objectName: Parse<string> = (text) =>
  isDnsSubdomain(text)
    ? Result.succeed(text)
    : Result.fail("must be a name: lower case letters, digits, dashes and dots");

const image: Parse<string> = (text) =>
  /^\S+$/u.test(text) ? Result.succeed(text) : Result.fail("must be the name of an image");

const directory: Parse<string> = (text) =>
  text.startsWith("/") && text !== "/" && !text.split("/").includes("..")
    ? Result.succeed(text)
    : Result.fail("must be an absolute path of a directory");

const LEVELS: Readonly<Record<string, LogLevel.LogLevel>> = {
  all: "All",
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  warning: "Warn",
  error: "Error",
  fatal: "Fatal",
  none: "None",
};
const logLevel: Parse<LogLevel.LogLevel> = (text) => {
  const level = LEVELS[text.toLowerCase()];
  return level === undefined
    ? Result.fail("must be trace, debug, info, warn, error, fatal or none")
    : Result.succeed(level);
};

/** Checks everything. The failure has one sentence for each value that is wrong. */
export const operatorConfig = (
  text: OperatorText & { readonly logLevel: string | undefined },
): Result.Result<OperatorConfig, ReadonlyArray<string>> => {
  const problems: Array<string> = [];
  const wrong = (setting: Setting, value: string) => (why: string) =>
    void problems.push(`--${setting.flag} (${setting.env}): ${why}, is ${JSON.stringify(value)}`);
  /** A value that may be left out. */
  const optional = <A>(setting: Setting, value: string | undefined, parse: Parse<A>) =>
    value === undefined
      ? undefined
      : Result.match(parse(value), {
          onFailure: (why): A | undefined => {
            wrong(setting, value)(why);
            return undefined;
          },
          onSuccess: (parsed) => parsed,
        });
  /** A value whose default is written in the table. */
  const defaulted = <A>(setting: Setting, value: string | undefined, parse: Parse<A>): A => {
    const standard = Result.getOrThrow(parse(setting.default));
    if (value === undefined) return standard;
    return Result.match(parse(value), {
      onFailure: (why) => {
        wrong(setting, value)(why);
        return standard;
      },
      onSuccess: (parsed) => parsed,
    });
  };
  const config: OperatorConfig = {
    namespace: optional(SETTINGS.namespace, text.namespace, namespace),
    leaderElect: defaulted(SETTINGS.leaderElect, text.leaderElect, flag),
    leaseName: defaulted(SETTINGS.leaseName, text.leaseName, objectName),
    leaseNamespace: optional(SETTINGS.leaseNamespace, text.leaseNamespace, namespace),
    healthAddress: defaulted(SETTINGS.healthAddress, text.healthAddress, address),
    metricsAddress: defaulted(SETTINGS.metricsAddress, text.metricsAddress, address),
    settings: {
      operatorImage: defaulted(SETTINGS.operatorImage, text.operatorImage, image),
      sentinelImage: optional(SETTINGS.sentinelImage, text.sentinelImage, image),
      defaultImage: defaulted(SETTINGS.defaultImage, text.defaultImage, image),
      sentinelDir: defaulted(SETTINGS.sentinelDirectory, text.sentinelDirectory, directory),
      ownNode: optional(SETTINGS.nodeName, text.nodeName, objectName),
    },
    maxUnavailable: optional(SETTINGS.maxUnavailable, text.maxUnavailable, parseCeiling),
    workers: defaulted(SETTINGS.workers, text.workers, workers),
    logLevel: defaulted(SETTINGS.logLevel, text.logLevel, logLevel),
    kubeconfig: text.kubeconfig,
    context: text.context,
  };
  return problems.length === 0 ? Result.succeed(config) : Result.fail(problems);
};
