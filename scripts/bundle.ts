/**
 * Writes dist/nodeop.mjs, the whole command line in one file: what the container image runs. `npm run bundle`.
 * The published package is built by `tsc` instead, so that an application that embeds it has one Effect, not two.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { decode, encode } from "@jridgewell/sourcemap-codec";
import { type OutputChunk, rolldown } from "rolldown";

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
  const { output } = await bundled.write({
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
  writeInAscii(path("dist/nodeop.mjs"), output[0]);
};

/**
 * Node keeps a source in which all is ASCII in half the memory, 2 MB here. What is not, in texts only, is written as its
 * escape, which is longer: what follows in the same line moves, in the source map too.
 */
const writeInAscii = (file: string, { code, map }: OutputChunk): void => {
  if (map === null) throw new Error("no source map was made");
  const mappings = decode(map.mappings);
  const lines = code.split("\n").map((line, index) => {
    const wide = [...line.matchAll(/[^\0-\x7f]/gu)].map((found) => found.index);
    for (const segment of mappings[index] ?? [])
      segment[0] += ESCAPE_GROWTH * wide.filter((column) => column < segment[0]).length;
    return line.replaceAll(/[^\0-\x7f]/gu, escaped);
  });
  const { names, sources, sourcesContent } = map;
  writeFileSync(file, lines.join("\n"));
  writeFileSync(
    `${file}.map`,
    JSON.stringify({ version: 3, names, sources, sourcesContent, mappings: encode(mappings) }),
  );
};

/** Six characters for one. */
const ESCAPE_GROWTH = 5;

const escaped = (character: string): string => {
  if (character.length > 1) throw new Error(`${character} takes two escapes`);
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
};

if (import.meta.main) await bundle();
