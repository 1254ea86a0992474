/** All cells of the contract. */
import type { Group } from "../support/cell.ts";
import { admission } from "./admission.ts";
import { access } from "./access.ts";
import { controllers } from "./controllers.ts";
import { creating } from "./creating.ts";
import { customResources } from "./customResources.ts";
import { deleting } from "./deleting.ts";
import { deployments } from "./deployments.ts";
import { evictions } from "./evictions.ts";
import { jobs } from "./jobs.ts";
import { lists } from "./lists.ts";
import { patching } from "./patching.ts";
import { pods } from "./pods.ts";
import { quotas } from "./quotas.ts";
import { requests } from "./requests.ts";
import { status } from "./status.ts";
import { versions } from "./versions.ts";
import { volumes } from "./volumes.ts";
import { watches } from "./watches.ts";
import { workloads } from "./workloads.ts";

export const groups: ReadonlyArray<Group> = [
  creating,
  versions,
  status,
  patching,
  customResources,
  deleting,
  jobs,
  pods,
  access,
  lists,
  watches,
  requests,
  controllers,
  evictions,
  workloads,
  admission,
  quotas,
  deployments,
  volumes,
];
