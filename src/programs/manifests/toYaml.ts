/** Objects as the YAML that kubectl applies. */
import { stringify } from "yaml";
import type { NewKubeObject } from "../../domain/kube/object.ts";

/** One document per object, each begun by `---`; nothing is folded and nothing refers to anything else. */
export const toYaml = (objects: ReadonlyArray<NewKubeObject>): string =>
  objects
    .map((object) => `---\n${stringify(object, { aliasDuplicateObjects: false, lineWidth: 0 })}`)
    .join("");
