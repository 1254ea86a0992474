/** Builds the image once for all tests of a run; where there is neither podman nor docker it says so. */
import type { TestProject } from "vitest/node";
import { bundle } from "../../scripts/bundle.ts";
import { buildImage, debianBase, type Engine, findEngine } from "../../scripts/containerEngine.ts";

export interface BuiltImage {
  readonly engine: Engine;
  readonly name: string;
}

declare module "vitest" {
  interface ProvidedContext {
    /** Absent where nothing can build or run images. */
    readonly image: BuiltImage | undefined;
  }
}

const NAME = "localhost/nodeop:test";

export default async (project: TestProject) => {
  const engine = findEngine();
  if (engine === undefined) {
    console.log("neither podman nor docker works here: tests of the image are skipped");
    project.provide("image", undefined);
    return;
  }
  await bundle();
  const { status } = buildImage(engine, NAME, process.env["BASE"] ?? debianBase(engine));
  if (status !== 0)
    throw new Error(
      `${engine} could not build the image; where no registry can be reached, run deploy/base-from-debian.sh first`,
    );
  project.provide("image", { engine, name: NAME });
};
