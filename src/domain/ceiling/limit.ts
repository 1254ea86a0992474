/** The ceiling of an operator (`--max-unavailable`): how many nodes of the cluster may be unavailable by its starting one more. */
import { Result } from "effect";

/** So many nodes, or so many percent of all of them. */
export type Ceiling =
  | { readonly _tag: "Nodes"; readonly nodes: number }
  | { readonly _tag: "Percent"; readonly percent: number };

const NODES_MAX = 1_000_000;

/** Reads `3` or `10%`; else why not, as the end of a sentence. */
export const parseCeiling = (text: string): Result.Result<Ceiling, string> => {
  const [, digits, percent] = /^(\d{1,7})(%?)$/u.exec(text) ?? [];
  const value = Number(digits);
  const isPercent = percent === "%";
  if (digits === undefined || value < 1 || value > (isPercent ? 100 : NODES_MAX))
    return Result.fail(
      "must be a number of nodes from 1 on, such as 3, or a percentage from 1% to 100%, such as 10%",
    );
  return Result.succeed(
    isPercent ? { _tag: "Percent", percent: value } : { _tag: "Nodes", nodes: value },
  );
};

/** The ceiling in a cluster of so many nodes: a percentage is rounded down, but never to nothing. */
export const nodesOf = (ceiling: Ceiling, total: number): number =>
  ceiling._tag === "Nodes"
    ? ceiling.nodes
    : Math.max(1, Math.floor((total * ceiling.percent) / 100));

/** The ceiling as it was written. */
export const formatCeiling = (ceiling: Ceiling): string =>
  ceiling._tag === "Nodes" ? String(ceiling.nodes) : `${ceiling.percent}%`;
