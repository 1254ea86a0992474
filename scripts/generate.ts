/** Writes the files below deploy that are generated from the source: `node scripts/generate.ts`. */
import { writeFileSync } from "node:fs";
import { crds } from "../src/domain/api/crd.ts";
import { manifests } from "../src/domain/manifests/manifests.ts";
import { DEFAULT_INSTALLATION } from "../src/programs/manifests/defaults.ts";
import { toYaml } from "../src/programs/manifests/toYaml.ts";

const header = (from: string): string =>
  `# Generated from ${from} by scripts/generate.ts; change the source and run it again.\n`;

/** The text of deploy/crds.yaml. */
export const crdsYaml = (): string => header("src/domain/api") + toYaml(crds());

/** The text of deploy/install.yaml. */
export const installYaml = (): string =>
  header("src/domain/manifests") + toYaml(manifests(DEFAULT_INSTALLATION));

const write = (name: string, text: string): void =>
  writeFileSync(new URL(`../deploy/${name}`, import.meta.url), text);

if (import.meta.main) {
  write("crds.yaml", crdsYaml());
  write("install.yaml", installYaml());
}
