/** Label selectors (`metav1.LabelSelector`), checked as strictly as Kubernetes itself parses them. */
import { Schema } from "effect";
import { atomicList, celCheck, open, required } from "./fields.ts";

/** Longest label value, and longest name part of a label key. */
const LABEL_LENGTH_MAX = 63;
/** Longest label key: a DNS subdomain of 253 characters, a slash and a name. */
const LABEL_KEY_LENGTH_MAX = 253 + 1 + LABEL_LENGTH_MAX;

/** Bounds the estimated cost of the rule on the keys, which the API server refuses on an unbounded map. */
const MATCH_LABELS_MAX = 64;

const LABEL_VALUE = "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$";
const DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_KEY = `^(${DNS_LABEL}([.]${DNS_LABEL})*/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$`;
const isLabelKey = (key: string): boolean =>
  key.length <= LABEL_KEY_LENGTH_MAX && new RegExp(LABEL_KEY, "u").test(key);

const VALUE_EXPECTED =
  "a label value (at most 63 letters, digits, '-', '_', '.', with a letter or digit at both ends)";
const KEY_EXPECTED = "a label key such as kubernetes.io/hostname";

const LabelValue = Schema.String.check(
  Schema.isMaxLength(LABEL_LENGTH_MAX, { expected: VALUE_EXPECTED }),
  Schema.isPattern(new RegExp(LABEL_VALUE, "u"), { expected: VALUE_EXPECTED }),
);

const LabelKey = Schema.String.annotate({ description: "The label key to look at." }).check(
  Schema.isMaxLength(LABEL_KEY_LENGTH_MAX, { expected: KEY_EXPECTED }),
  Schema.isPattern(new RegExp(LABEL_KEY, "u"), { expected: KEY_EXPECTED }),
);

const Operator = Schema.Literals(["In", "NotIn", "Exists", "DoesNotExist"]);

/** One requirement of a label selector. `values` belongs to In and NotIn, and only to them. */
export const LabelSelectorRequirement = open({
  key: required(LabelKey, "name the label key to look at"),
  operator: required(
    Operator.annotate({
      description: "How the key relates to the values: In, NotIn, Exists or DoesNotExist.",
    }),
    "write In, NotIn, Exists or DoesNotExist",
  ),
  values: Schema.optionalKey(
    atomicList(LabelValue, "The values for In and NotIn; absent for Exists and DoesNotExist."),
  ),
})
  .annotate({ description: "One requirement on a node's labels." })
  .check(
    celCheck(
      {
        rule: "!(self.operator in ['In', 'NotIn']) || (has(self.values) && size(self.values) > 0)",
        message: "values must not be empty when operator is In or NotIn; list at least one value",
        fieldPath: ".values",
      },
      ({ operator, values }) =>
        (operator !== "In" && operator !== "NotIn") || (values !== undefined && values.length > 0),
    ),
    celCheck(
      {
        rule: "!(self.operator in ['Exists', 'DoesNotExist']) || !has(self.values) || size(self.values) == 0",
        message: "values must be absent when operator is Exists or DoesNotExist; remove them",
        fieldPath: ".values",
      },
      ({ operator, values }) =>
        (operator !== "Exists" && operator !== "DoesNotExist") ||
        values === undefined ||
        values.length === 0,
    ),
  );
export interface LabelSelectorRequirement extends Schema.Schema.Type<
  typeof LabelSelectorRequirement
> {}

const MatchLabels = Schema.Record(Schema.String, LabelValue)
  .annotate({ description: "Labels that a node must all have, with exactly these values." })
  .check(
    Schema.isMaxProperties(MATCH_LABELS_MAX, {
      message: `must not have more than ${MATCH_LABELS_MAX} labels`,
    }),
    celCheck(
      {
        rule: `self.all(key, size(key) <= ${LABEL_KEY_LENGTH_MAX} && key.matches('${LABEL_KEY}'))`,
        message: `every key of matchLabels must be ${KEY_EXPECTED}`,
      },
      (labels) => Object.keys(labels).every(isLabelKey),
    ),
  );

/** Selects nodes by their labels: all of `matchLabels` and all of `matchExpressions` must hold; empty selects all. */
export const LabelSelector = open({
  matchLabels: Schema.optionalKey(MatchLabels),
  matchExpressions: Schema.optionalKey(
    atomicList(LabelSelectorRequirement, "Requirements on a node's labels that must all hold."),
  ),
}).annotate({
  description:
    "Which nodes take part, by their labels. Absent or empty: every node of the cluster.",
  "x-kubernetes-map-type": "atomic",
});
export interface LabelSelector extends Schema.Schema.Type<typeof LabelSelector> {}
