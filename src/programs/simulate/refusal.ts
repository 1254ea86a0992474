/** What the simulated API server refused, told of the file and object that a person has to mend. */
import { Schema } from "effect";
import {
  AlreadyExists,
  BadRequest,
  Forbidden,
  Invalid,
  type KubeError,
} from "../../services/KubeError.ts";
import type { Manifests } from "./manifests.ts";

/** The cluster refused an object of the manifests. */
export class SimulationRefused extends Schema.TaggedError<SimulationRefused>()(
  "SimulationRefused",
  {
    problems: Schema.Array(Schema.String),
  },
) {
  override get message() {
    return this.problems.join("\n");
  }
}

/** Whether a request failed because the server refuses what is in it. */
export const isRefusal = Schema.is(Schema.Union([Invalid, BadRequest, AlreadyExists, Forbidden]));

/** A sentence for each thing that is wrong with the object of a refused create: file, object, path, what is wrong. */
export const refusalProblems = (
  error: KubeError,
  { files }: Pick<Manifests, "files">,
): ReadonlyArray<string> => {
  const object = error.request.replace(/^create /u, "");
  const file = files?.[object];
  const where = file === undefined ? object : `${file}: ${object}`;
  const causes = "causes" in error ? error.causes : [];
  if (causes.length === 0) return [`${where}: the API server refuses it: ${error.detail}`];
  return causes.map(({ field, message = "is refused" }) =>
    field === undefined ? `${where}: ${message}` : `${where}: ${field}: ${message}`,
  );
};
