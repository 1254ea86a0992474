/**
 * What is stored about an object that does not follow its schema: one that got in before its CustomResourceDefinition had
 * its rules. Every error is told, once per generation, and nothing else is done about it.
 */
import { Option, Schema } from "effect";
import { Condition, NodeStatuses } from "../api/status.ts";
import { kubeTime } from "../kube/object.ts";
import { isOriginals } from "../takeover/original.ts";
import { hasFinishedAll, NO_ENTRIES } from "./census.ts";
import { conditionsOf, INVALID_SPEC, isEnded } from "./summary.ts";

// What of an object can be read although the rest cannot: nothing but what says whether it was told already.
const Told = Schema.Struct({
  metadata: Schema.Struct({ generation: Schema.optionalKey(Schema.Int) }),
  status: Schema.optionalKey(
    Schema.Struct({
      phase: Schema.optionalKey(Schema.String),
      observedGeneration: Schema.optionalKey(Schema.Int),
      nodeStatuses: Schema.optionalKey(NodeStatuses),
      conditions: Schema.optionalKey(Schema.Array(Condition)),
    }),
  ),
});
const decodeTold = Schema.decodeUnknownOption(Told);

/**
 * The part of the status that says what is wrong with `object`, as a merge patch; undefined where it says so already for
 * this generation, and where the operation has ended, by the Go original or by us: that stands.
 */
export const invalidStatus = (
  object: unknown,
  problems: string,
  now: number,
): object | undefined => {
  const { metadata, status } = Option.getOrElse(decodeTold(object), () => ({
    metadata: { generation: 0 },
    status: undefined,
  }));
  const { generation = 0 } = metadata;
  const previous = status?.conditions;
  const told = previous?.find(({ type }) => type === INVALID_SPEC);
  if (told?.observedGeneration === generation && told.message === problems) return undefined;
  if (isEnded(previous === undefined ? undefined : { conditions: previous })) return undefined;
  if (isOriginals(status) && hasFinishedAll(status?.nodeStatuses ?? NO_ENTRIES)) return undefined;
  const outcome = { _tag: "Stalled", reason: INVALID_SPEC, message: problems } as const;
  const condition = {
    type: INVALID_SPEC,
    status: "True",
    reason: INVALID_SPEC,
    message: problems,
    lastTransitionTime: told?.status === "True" ? told.lastTransitionTime : kubeTime(now),
    observedGeneration: generation,
  } as const;
  return {
    message: problems,
    observedGeneration: generation,
    lastUpdated: kubeTime(now),
    conditions: [...conditionsOf(previous, outcome, problems, { now, generation }), condition],
  };
};
