/** `npm run image -- [--base IMAGE] [--tag IMAGE]`: bundles, and builds the image with podman or docker. */
import { parseArgs } from "node:util";
import { DEFAULT_IMAGE } from "../src/programs/manifests/defaults.ts";
import { bundle } from "./bundle.ts";
import { buildImage, debianBase, findEngine } from "./containerEngine.ts";

/** Says what is wrong in a sentence and ends. */
const fail = (sentence: string): never => {
  console.error(`nodeop image: ${sentence}`);
  process.exit(1);
};

const readOptions = () => {
  try {
    return parseArgs({
      options: { base: { type: "string" }, tag: { type: "string", default: DEFAULT_IMAGE } },
    }).values;
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
};

const { base, tag } = readOptions();
const engine =
  findEngine() ??
  fail("neither podman nor docker works here; install one of them (apt-get install podman runc)");
await bundle();
const { status } = buildImage(engine, tag, base ?? debianBase(engine));
if (status !== 0)
  fail(
    `${engine} could not build the image; where no registry can be reached, run deploy/base-from-debian.sh first`,
  );
console.log(`${tag} is built; see docs/install.md for how it gets to the nodes`);
