/** Writes the files that are generated from the source: `node scripts/generate.ts`. */
import { writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { crds } from "../src/domain/api/crd.ts";

const HEADER =
  "# Generated from src/domain/api by scripts/generate.ts; change the schemas there and run it again.\n";

/** The text of deploy/crds.yaml. */
export const crdsYaml = (): string =>
  HEADER +
  crds()
    .map((crd) => `---\n${stringify(crd, { aliasDuplicateObjects: false, lineWidth: 0 })}`)
    .join("");

if (import.meta.main) writeFileSync(new URL("../deploy/crds.yaml", import.meta.url), crdsYaml());
