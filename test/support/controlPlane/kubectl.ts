/** The real kubectl against a control plane. */
import { execFile } from "node:child_process";
import { Data, Effect } from "effect";
import type { ControlPlane } from "./ControlPlane.ts";
import { writeKubeconfig } from "./kubeconfig.ts";

/** kubectl ended with another code than 0. */
export class KubectlFailed extends Data.TaggedError("KubectlFailed")<{
  readonly command: string;
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}> {
  override get message() {
    return `${this.command}: exit ${this.code}\n${this.stderr}${this.stdout}`;
  }
}

export interface KubectlOptions {
  /** What it reads from its standard input, for `-f -`. */
  readonly input?: string;
  /** Default: the administrator's. */
  readonly kubeconfig?: string;
}

/** Runs `kubectl …args`; succeeds with what it printed. */
export const kubectl = (
  controlPlane: Pick<ControlPlane, "kubeconfig" | "folder">,
  args: ReadonlyArray<string>,
  options: KubectlOptions = {},
): Effect.Effect<string, KubectlFailed> =>
  Effect.callback((resume) => {
    const child = execFile(
      "kubectl",
      [
        `--kubeconfig=${options.kubeconfig ?? controlPlane.kubeconfig}`,
        `--cache-dir=${controlPlane.folder}/kubectl-cache`,
        ...args,
      ],
      { maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) return resume(Effect.succeed(stdout));
        const code = typeof error.code === "number" ? error.code : -1;
        const command = `kubectl ${args.join(" ")}`;
        // Without a number it could not even be started: the reason is in the error then.
        const said = code === -1 ? `${error.message}\n${stderr}` : stderr;
        resume(Effect.fail(new KubectlFailed({ command, code, stdout, stderr: said })));
      },
    );
    child.stdin?.end(options.input ?? "");
    return Effect.sync(() => {
      child.kill("SIGKILL");
    });
  });

/** Installs the project's CustomResourceDefinitions and waits until they are served. */
export const installCrds = Effect.fn("installCrds")(function* (
  controlPlane: Pick<ControlPlane, "kubeconfig" | "folder">,
  file: string = new URL("../../../deploy/crds.yaml", import.meta.url).pathname,
) {
  yield* kubectl(controlPlane, ["apply", "--server-side", "-f", file]);
  yield* kubectl(controlPlane, [
    "wait",
    "--for=condition=Established",
    "--timeout=30s",
    "-f",
    file,
  ]);
});

/** A kubeconfig whose user is a ServiceAccount with a bound token, valid for ten minutes at least: for tests of RBAC. */
export const accountKubeconfig = Effect.fn("accountKubeconfig")(function* (
  controlPlane: Pick<ControlPlane, "kubeconfig" | "folder" | "server" | "caFile">,
  account: { readonly namespace: string; readonly name: string },
) {
  const { namespace, name } = account;
  const token = yield* kubectl(controlPlane, ["create", "token", name, "-n", namespace]);
  const user = `system:serviceaccount:${namespace}:${name}`;
  const file = `${controlPlane.folder}/kubeconfig-${namespace}-${name}`;
  const { server, caFile } = controlPlane;
  return writeKubeconfig(file, { server, caFile, token: token.trim(), user, namespace });
});
