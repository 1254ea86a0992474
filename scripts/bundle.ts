/**
 * Writes dist/nodeop.mjs, the whole command line in one file: what the container image runs. `npm run bundle`.
 * The published package is built by `tsc` instead, so that an application that embeds it has one Effect, not two.
 */
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const path = (fromRoot: string): string =>
  fileURLToPath(new URL(`../${fromRoot}`, import.meta.url));

/** All that the Kubernetes client does when it is loaded is to mend Node 18: what is unused of it may go. */
const CLIENT = "node_modules/@kubernetes/client-node/";

/**
 * Bundles. Names of functions and classes are kept: the stack of a defect then tells where it was, without the source map
 * (which is written for people; to load it costs the operator 75 MB).
 */
export const bundle = async (): Promise<void> => {
  const bundled = await rolldown({
    input: path("src/programs/main.ts"),
    platform: "node",
    treeshake: { moduleSideEffects: (id) => !id.includes(CLIENT) },
  });
  await bundled.write({
    file: path("dist/nodeop.mjs"),
    format: "esm",
    codeSplitting: false,
    minify: {
      codegen: true,
      compress: { keepNames: { function: true, class: true } },
      mangle: { keepNames: true },
    },
    sourcemap: true,
  });
  await bundled.close();
};

if (import.meta.main) await bundle();
