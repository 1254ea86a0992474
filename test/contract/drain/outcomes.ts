/** What `kubectl drain` said it would do, and what our plan says, in one form that can be compared. */
import { planDrain } from "../../../src/domain/drain/filter.ts";
import type { NodePod } from "../../../src/domain/kube/nodePod.ts";
import { type Flags, NAMESPACE, type Outcome, OWN_POD } from "./rows.ts";

/** Either the refusals, or what is done with which Pod; sorted. */
export interface Drained {
  readonly outcome: Outcome;
  readonly says: ReadonlyArray<string>;
}

const drainedBy = (refusals: ReadonlyArray<string>, done: ReadonlyArray<string>): Drained => {
  if (refusals.length > 0) return { outcome: "refuses", says: refusals.toSorted() };
  const outcome = done.some((what) => what.startsWith("evict"))
    ? "evicts"
    : done.length > 0
      ? "waits"
      : "leaves";
  return { outcome, says: done.toSorted() };
};

/**
 * `cannot delete Pods with local storage (use … to override): a, b`, without what to write, names in order. Of Pods without
 * a controller kubectl says twice that it cannot delete them.
 */
const reasonOf = (sentence: string): string => {
  const [, reason = sentence, names = ""] =
    /^(?:cannot delete )+(.*?)(?: \([^)]*\))?: (.*)$/su.exec(sentence) ?? [];
  return `cannot delete ${reason}: ${names.split(", ").toSorted().join(", ")}`;
};

/** Our plan for the Pods of a node, as the API server lists them. */
export const planned = (pods: ReadonlyArray<NodePod>, flags: Flags): Drained => {
  const ownPod = { namespace: NAMESPACE, name: OWN_POD };
  const { evict, leaving, refusals } = planDrain(pods, { ...flags, ownPod });
  return drainedBy(
    refusals.map((sentence) => reasonOf(sentence)),
    [
      ...evict.map(({ metadata }) => `evict ${metadata.name}`),
      ...leaving.map(({ metadata }) => `wait for ${metadata.name}`),
    ],
  );
};

/** kubectl's answer for several nodes: what it would do with each of them, and whether it called itself successful. */
export const drainedByKubectl = (
  {
    code,
    stdout,
    stderr,
  }: { readonly code: number; readonly stdout: string; readonly stderr: string },
  nodes: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlyMap<string, Drained> => {
  const evicted = [...stdout.matchAll(/^evicting pod [^/]+\/(\S+) \(server dry run\)$/gmu)].map(
    ([, name = ""]) => name,
  );
  const refused = new Map(
    [
      ...stderr.matchAll(
        /unable to drain node "([^"]+)" due to error: \[?(.*?)\]?, continuing command/gu,
      ),
    ].map(([, node = "", errors = ""]) => [node, errors.split(/, (?=cannot delete )/u)] as const),
  );
  if ((code === 0) !== (refused.size === 0))
    throw new Error(`kubectl drain: exit ${code} with ${refused.size} errors\n${stderr}`);
  return new Map(
    [...nodes].map(([node, pods]) => [
      node,
      drainedBy(
        (refused.get(node) ?? []).map((sentence) => reasonOf(sentence)),
        evicted.filter((name) => pods.has(name)).map((name) => `evict ${name}`),
      ),
    ]),
  );
};
