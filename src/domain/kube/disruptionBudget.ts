/** What nodeop reads of a PodDisruptionBudget: which Pods it protects, and how many of them may go now. */
import { Schema } from "effect";
import { type LabelSelector, selectsLabels } from "./selector.ts";
import { ViewMeta } from "./view.ts";

const Strings = Schema.Record(Schema.String, Schema.String);

const Selector = Schema.Struct({
  matchLabels: Schema.optionalKey(Strings),
  matchExpressions: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        key: Schema.String,
        operator: Schema.String,
        values: Schema.optionalKey(Schema.Array(Schema.String)),
      }),
    ),
  ),
});

/** A budget reduced to what explains why an eviction is refused. */
export const DisruptionBudget = Schema.Struct({
  metadata: ViewMeta,
  spec: Schema.optionalKey(Schema.Struct({ selector: Schema.optionalKey(Selector) })),
  status: Schema.optionalKey(
    Schema.Struct({
      disruptionsAllowed: Schema.optionalKey(Schema.Int),
      currentHealthy: Schema.optionalKey(Schema.Int),
      desiredHealthy: Schema.optionalKey(Schema.Int),
    }),
  ),
});
export interface DisruptionBudget extends Schema.Schema.Type<typeof DisruptionBudget> {}

/** Whether the budget protects a Pod of this namespace with these labels. In policy/v1 `{}` selects every Pod, no selector none. */
export const protects = (
  { metadata, spec }: DisruptionBudget,
  pod: {
    readonly namespace?: string | undefined;
    readonly labels?: Readonly<Record<string, string>>;
  },
): boolean => {
  const selector: LabelSelector | undefined = spec?.selector;
  return (
    selector !== undefined &&
    metadata.namespace === pod.namespace &&
    selectsLabels(selector, pod.labels)
  );
};
