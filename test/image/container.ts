/** Runs containers of the image as a kubelet would run its Pods, and gives what they print. */
import { spawnSync } from "node:child_process";
import { RESTRICTED_CONTAINER, RESTRICTED_POD } from "../../src/domain/manifests/pods.ts";
import type { BuiltImage } from "./buildImage.ts";
import { securityFlags } from "./podFlags.ts";

/** A machine that is a container itself may not raise limits; a kubelet sets none. */
const LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"];

/** The security context of Deployment and DaemonSet. */
export const RESTRICTED = securityFlags({
  securityContext: RESTRICTED_POD,
  containers: [{ securityContext: RESTRICTED_CONTAINER }],
});

/** That of the reboot Pod's container (src/domain/rollout/children.ts). */
export const REBOOT_AGENT = securityFlags({
  hostPID: true,
  containers: [{ securityContext: { privileged: true, runAsUser: 0 } }],
});

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const call = (engine: string, args: ReadonlyArray<string>): Ran =>
  spawnSync(engine, args, { encoding: "utf8" });

/** The arguments of `podman run` or `docker run`: `flags` are the engine's, `args` those of the image. */
export const runArguments = (
  { engine, name }: BuiltImage,
  flags: ReadonlyArray<string>,
  args: ReadonlyArray<string>,
): ReadonlyArray<string> => [
  "run",
  "--network=host",
  ...LIMITS,
  ...known(engine, flags),
  name,
  ...args,
];

/** Runs the image with `args` until it ends. */
export const runImage = (
  image: BuiltImage,
  flags: ReadonlyArray<string>,
  ...args: ReadonlyArray<string>
): Ran => call(image.engine, runArguments(image, ["--rm", ...flags], args));

/** The size of the image's layers, in bytes. */
export const sizeOf = ({ engine, name }: BuiltImage): number =>
  Number(call(engine, ["image", "inspect", "--format", "{{.Size}}", name]).stdout);

// docker mounts nothing over a read-only root of its own accord, and does not know podman's flag that says so.
const known = (engine: string, flags: ReadonlyArray<string>): ReadonlyArray<string> =>
  engine === "podman" ? flags : flags.filter((flag) => !flag.startsWith("--read-only-tmpfs"));
