/** Taints of Nodes and the tolerations of Pods, by the rules of the scheduler (core/v1 `Toleration.ToleratesTaint`). */
import { Schema } from "effect";

/** A taint as the API shows it. */
export const Taint = Schema.Struct({
  key: Schema.String,
  value: Schema.optionalKey(Schema.String),
  effect: Schema.String,
});
export interface Taint extends Schema.Schema.Type<typeof Taint> {}

/** A toleration, as far as it decides which nodes a Pod may be assigned to. */
export const Toleration = Schema.Struct({
  key: Schema.optionalKey(Schema.String),
  operator: Schema.optionalKey(Schema.String),
  value: Schema.optionalKey(Schema.String),
  effect: Schema.optionalKey(Schema.String),
});
export interface Toleration extends Schema.Schema.Type<typeof Toleration> {}

/** Effects that keep Pods off a node. `PreferNoSchedule` only makes it a worse choice. */
const REPELS: ReadonlySet<string> = new Set(["NoSchedule", "NoExecute"]);

const isAbout = ({ key = "", effect = "" }: Toleration, taint: Taint): boolean =>
  (effect === "" || effect === taint.effect) && (key === "" || key === taint.key);

/** No operator means Equal. One that is not known tolerates nothing. */
const agrees = ({ operator = "", value = "" }: Toleration, taint: Taint): boolean =>
  operator === "Exists" ||
  ((operator === "" || operator === "Equal") && value === (taint.value ?? ""));

/** Whether a Pod with these tolerations may be assigned to a node with these taints. For how long it may stay plays no part. */
export const toleratesAll = (
  tolerations: ReadonlyArray<Toleration>,
  taints: ReadonlyArray<Taint>,
): boolean =>
  taints
    .filter(({ effect }) => REPELS.has(effect))
    .every((taint) => tolerations.some((one) => isAbout(one, taint) && agrees(one, taint)));
