/** A ceiling for scenarios, and what an installation below one is granted. */
import { operatorAccess } from "../../../src/domain/manifests/operatorAccess.ts";
import { DEFAULT_INSTALLATION } from "../../../src/programs/manifests/defaults.ts";

const accessBelow = (maxUnavailable: string | undefined) =>
  operatorAccess({ ...DEFAULT_INSTALLATION, maxUnavailable });

/** What `--max-unavailable` is in the scenario about it. */
export const CEILING = 2;
/** What an installation below a ceiling is granted besides what deploy/install.yaml grants. */
export const CEILING_ACCESS = accessBelow(String(CEILING)).filter(
  ({ kind, metadata }) =>
    !accessBelow(undefined).some(
      (other) => other.kind === kind && other.metadata.name === metadata.name,
    ),
);
