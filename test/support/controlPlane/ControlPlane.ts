/**
 * A real control plane on loopback: etcd, kube-apiserver, kube-controller-manager, and kube-scheduler where asked for. It
 * has no kubelets: Pods move only when something writes their status. All of it lives in one temporary folder and one
 * scope, which stops the programs and removes the folder; after a failure the logs are kept.
 */
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Data, type Duration, Effect, Scope } from "effect";
import type { Assets } from "./assets.ts";
import { auditPolicy } from "./audit.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { freePorts } from "./ports.ts";
import { type Running, start } from "./process.ts";

const HOST = "127.0.0.1";
const READY_MILLIS_MAX = 60_000;
const POLL_MILLIS = 50;

/** How to reach a control plane; plain data, so that it passes from the process that started it to its test files. */
export interface ControlPlane {
  readonly server: string;
  /** A bearer token of an administrator. */
  readonly token: string;
  readonly caFile: string;
  /** Of the administrator. */
  readonly kubeconfig: string;
  readonly folder: string;
  readonly auditLog: string;
  /** `v1.36.3` */
  readonly version: string;
  /** From the first program's start to the readiness of all, in milliseconds. */
  readonly startedInMillis: number;
}

/** A control plane in the process that started it: its programs can be stopped and started too. */
export interface OwnControlPlane extends ControlPlane {
  readonly etcd: Running;
  readonly apiServer: Running;
  readonly controllerManager: Running | undefined;
  /** Kills the API server, and starts it again after so long, on the same port and with the same certificate. */
  readonly outage: (duration: Duration.Input) => Effect.Effect<void, ControlPlaneFailed>;
}

export interface ControlPlaneOptions {
  readonly assets: Assets;
  /** Default: with the controller manager. */
  readonly controllers?: boolean;
  readonly scheduler?: boolean;
  /** More flags for the API server. */
  readonly apiServerFlags?: ReadonlyArray<string>;
  /** More flags for the controller manager; of two the last counts. */
  readonly controllerFlags?: ReadonlyArray<string>;
}

/** The control plane did not come up; the logs are still there. */
export class ControlPlaneFailed extends Data.TaggedError("ControlPlaneFailed")<{
  readonly message: string;
}> {}

/** One GET; the body, or undefined where there is none yet. */
const get = (at: Pick<ControlPlane, "server" | "token" | "caFile">, path: string) =>
  Effect.callback<string | undefined>((resume) => {
    const fail = () => resume(Effect.as(Effect.void, undefined));
    let ca: string;
    try {
      ca = readFileSync(at.caFile, "utf8");
    } catch {
      return fail();
    }
    const asked = request(
      `${at.server}${path}`,
      { ca, agent: false, headers: { authorization: `Bearer ${at.token}` } },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => (body += text));
        response.on("end", () =>
          resume(Effect.succeed(response.statusCode === 200 ? body : undefined)),
        );
        response.on("error", fail);
      },
    );
    asked.on("error", fail);
    asked.end();
  });

/** Asks until there is an answer; fails when a program has ended or time is over. */
const waitFor = (
  at: Pick<ControlPlane, "server" | "token" | "caFile" | "folder">,
  path: string,
  programs: ReadonlyArray<Running>,
) =>
  Effect.gen(function* () {
    for (let waited = 0; waited < READY_MILLIS_MAX; waited += POLL_MILLIS) {
      const body = yield* get(at, path);
      if (body !== undefined) return body;
      const dead = programs.find((one) => !one.isRunning());
      if (dead !== undefined) {
        return yield* new ControlPlaneFailed({
          message: `${dead.name} ended; its log is in ${at.folder}:\n${dead.tail()}`,
        });
      }
      yield* Effect.sleep(POLL_MILLIS);
    }
    const log = programs.at(-1)?.tail() ?? "";
    return yield* new ControlPlaneFailed({
      message: `GET ${path} was not answered within ${READY_MILLIS_MAX / 1000} s; logs are in ${at.folder}:\n${log}`,
    });
  });

/** The folder; removed unless the scope ends with a failure. */
const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "nodeop-control-plane-"))),
  (folder, exit) =>
    Effect.sync(() => {
      if (exit._tag === "Success") rmSync(folder, { recursive: true, force: true });
      else rmSync(join(folder, "etcd"), { recursive: true, force: true });
    }),
);

/** The key with which ServiceAccount tokens are signed, and the administrator's token. */
const writeSecrets = (folder: string, token: string) => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  return {
    privateKey: file("accounts.key", privateKey),
    publicKey: file("accounts.pub", publicKey),
    tokens: file("tokens.csv", `${token},admin,admin,system:masters\n`),
    audit: file("audit-policy.yaml", JSON.stringify(auditPolicy)),
  };
};

const startEtcd = (assets: Assets, folder: string, client: number, peer: number) => {
  const clientURL = `http://${HOST}:${client}`;
  const peerURL = `http://${HOST}:${peer}`;
  return start(
    "etcd",
    assets.path("etcd"),
    [
      `--data-dir=${join(folder, "etcd")}`,
      `--listen-client-urls=${clientURL}`,
      `--advertise-client-urls=${clientURL}`,
      `--listen-peer-urls=${peerURL}`,
      `--initial-advertise-peer-urls=${peerURL}`,
      `--initial-cluster=default=${peerURL}`,
      "--unsafe-no-fsync",
    ],
    join(folder, "etcd.log"),
  );
};

/** Starts a control plane that lives as long as the scope. */
export const startControlPlane = Effect.fn("startControlPlane")(function* (
  options: ControlPlaneOptions,
): Effect.fn.Return<OwnControlPlane, ControlPlaneFailed, Scope.Scope> {
  const { assets, controllers = true, scheduler = false } = options;
  const { apiServerFlags = [], controllerFlags = [] } = options;
  const began = performance.now();
  const folder = yield* temporaryFolder;
  const [client = 0, peer = 0, secure = 0, manager = 0, scheduling = 0] = yield* freePorts(5);
  const token = "nodeop-test-administrator";
  const secrets = writeSecrets(folder, token);
  const certificates = join(folder, "certificates");
  mkdirSync(certificates);
  const log = (name: string) => join(folder, `${name}.log`);
  const auditLog = join(folder, "audit.jsonl");
  // The API server makes its own certificate; the file holds that of the authority that signed it, too.
  const caFile = join(certificates, "apiserver.crt");
  const server = `https://${HOST}:${secure}`;
  const etcd = yield* startEtcd(assets, folder, client, peer);
  const startApiServer = start(
    "kube-apiserver",
    assets.path("kube-apiserver"),
    [
      `--etcd-servers=http://${HOST}:${client}`,
      `--secure-port=${secure}`,
      `--bind-address=${HOST}`,
      `--advertise-address=${HOST}`,
      `--cert-dir=${certificates}`,
      `--token-auth-file=${secrets.tokens}`,
      "--authorization-mode=RBAC",
      "--service-cluster-ip-range=10.0.0.0/24",
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${secrets.publicKey}`,
      `--service-account-signing-key-file=${secrets.privateKey}`,
      "--allow-privileged=true",
      "--endpoint-reconciler-type=none",
      `--audit-policy-file=${secrets.audit}`,
      `--audit-log-path=${auditLog}`,
      "--audit-log-mode=blocking",
      ...apiServerFlags,
    ],
    log("kube-apiserver"),
  );
  let apiServer = yield* startApiServer;
  const at = { server, token, caFile, folder };
  const programs = [etcd, apiServer];
  yield* waitFor(at, "/readyz", programs);
  const kubeconfig = writeKubeconfig(join(folder, "kubeconfig"), { ...at, user: "admin" });
  const clientOf = (name: string, port: number, flags: ReadonlyArray<string>) =>
    start(
      name,
      assets.path(name === "kube-scheduler" ? "kube-scheduler" : "kube-controller-manager"),
      [
        `--kubeconfig=${kubeconfig}`,
        `--authentication-kubeconfig=${kubeconfig}`,
        `--authorization-kubeconfig=${kubeconfig}`,
        `--secure-port=${port}`,
        `--bind-address=${HOST}`,
        `--cert-dir=${certificates}-${name}`,
        "--leader-elect=false",
        "--kube-api-qps=1000",
        "--kube-api-burst=2000",
        ...flags,
      ],
      log(name),
    );
  const controllerManager = controllers
    ? yield* clientOf("kube-controller-manager", manager, [
        `--service-account-private-key-file=${secrets.privateKey}`,
        "--use-service-account-credentials=true",
        // Nodes of tests send no heartbeats.
        "--node-monitor-grace-period=24h",
        ...controllerFlags,
      ])
    : undefined;
  if (controllerManager !== undefined) programs.push(controllerManager);
  if (scheduler) programs.push(yield* clientOf("kube-scheduler", scheduling, []));
  if (controllers) {
    yield* waitFor(at, "/api/v1/namespaces/default/serviceaccounts/default", programs);
  }
  const version = yield* waitFor(at, "/version", programs);
  const scope = yield* Effect.scope;
  const outage = Effect.fnUntraced(function* (duration: Duration.Input) {
    apiServer.signal("SIGKILL");
    while (apiServer.isRunning()) yield* Effect.sleep(POLL_MILLIS);
    yield* Effect.sleep(duration);
    apiServer = yield* Scope.provide(startApiServer, scope);
    yield* waitFor(at, "/readyz", [apiServer]);
  });
  const parsed: unknown = JSON.parse(version);
  const gitVersion =
    typeof parsed === "object" && parsed !== null && "gitVersion" in parsed
      ? String(parsed.gitVersion)
      : "unknown";
  return {
    ...at,
    kubeconfig,
    auditLog,
    version: gitVersion,
    startedInMillis: Math.round(performance.now() - began),
    etcd,
    get apiServer() {
      return apiServer;
    },
    controllerManager,
    outage,
  };
});
