/** One Job does the work on a node; a second one would upgrade it twice ("no unnecessary restarts", reference page). */
import type { Law } from "../law.ts";

export const oneJobPerNode: Law = {
  law: "OneJobPerNode",
  says: "At most one Job is ever resumed per operation and Node, both by uid.",
  monitor: ({ ledger, report }) => {
    /** The first resumed Job, by `<operation uid> <node uid>`. */
    const resumed = new Map<string, { readonly uid: string; readonly name: string }>();
    return {
      JobResumed: ({ job }) => {
        const nodeUID =
          ledger.operations.get(job.operation)?.claims.get(job.node ?? "")?.nodeUID ??
          ledger.nodes.get(job.node ?? "")?.uid;
        const key = `${job.operation} ${nodeUID}`;
        const first = resumed.get(key);
        if (first === undefined) resumed.set(key, job);
        else if (first.uid !== job.uid)
          report(
            `Job ${job.name} (uid ${job.uid}) was resumed for node ${job.node}, where Job ${first.name} (uid ${first.uid}) of ${ledger.nameOf(job.operation)} had run already`,
          );
      },
    };
  },
};
