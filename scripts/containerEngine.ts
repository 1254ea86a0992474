/** podman or docker, whichever is there and works: both understand the same commands, as far as they are used here. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What deploy/base-from-debian.sh calls its image. */
const DEBIAN_BASE = "localhost/nodeop-base";

export type Engine = "podman" | "docker";

/** The engine; undefined where none is installed, or none that works (a docker without its daemon does not). */
export const findEngine = (): Engine | undefined =>
  (["podman", "docker"] as const).find(
    (engine) => spawnSync(engine, ["info"], { stdio: "ignore" }).status === 0,
  );

/** The base image that was made from Debian packages on this machine; undefined where none was. */
export const debianBase = (engine: Engine): string | undefined =>
  spawnSync(engine, ["image", "inspect", DEBIAN_BASE], { stdio: "ignore" }).status === 0
    ? DEBIAN_BASE
    : undefined;

/** Builds the image from the bundle as it is; `base` undefined means that of deploy/Containerfile. */
export const buildImage = (
  engine: Engine,
  tag: string,
  base: string | undefined,
): { readonly status: number | null } => {
  if (!existsSync(`${ROOT}/dist/nodeop.mjs`)) throw new Error("run `npm run bundle` first");
  const from = base === undefined ? [] : ["--build-arg", `BASE=${base}`];
  return spawnSync(
    engine,
    ["build", ...from, "--file", "deploy/Containerfile", "--tag", tag, "dist"],
    { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] },
  );
};
