/** Runs containers of the image as a kubelet would run its Pods, and gives what they print. */
import { spawnSync } from "node:child_process";
import type { BuiltImage } from "./buildImage.ts";

/** A machine that is a container itself may not raise limits; a kubelet sets none. */
const LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"];

/** The security context of Deployment and DaemonSet (src/domain/manifests/pods.ts). */
export const RESTRICTED = [
  "--user=65532:65532",
  "--read-only",
  "--read-only-tmpfs=false",
  "--cap-drop=ALL",
  "--security-opt=no-new-privileges",
];

/** That of the reboot Pod's container (src/domain/rollout/children.ts). */
export const REBOOT_AGENT = ["--user=0", "--privileged", "--pid=host"];

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const call = (engine: string, args: ReadonlyArray<string>): Ran =>
  spawnSync(engine, args, { encoding: "utf8" });

/** Runs the image with `args`; `flags` are the engine's. */
export const runImage = (
  { engine, name }: BuiltImage,
  flags: ReadonlyArray<string>,
  ...args: ReadonlyArray<string>
): Ran =>
  call(engine, [
    "run",
    "--rm",
    "--network=host",
    ...LIMITS,
    ...known(engine, flags),
    name,
    ...args,
  ]);

/** The size of the image's layers, in bytes. */
export const sizeOf = ({ engine, name }: BuiltImage): number =>
  Number(call(engine, ["image", "inspect", "--format", "{{.Size}}", name]).stdout);

// docker mounts nothing over a read-only root of its own accord, and does not know podman's flag that says so.
const known = (engine: string, flags: ReadonlyArray<string>): ReadonlyArray<string> =>
  engine === "podman" ? flags : flags.filter((flag) => !flag.startsWith("--read-only-tmpfs"));
