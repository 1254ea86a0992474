/** What is to be done about a Node so that it says what its host is: nothing, or one merge patch. */
import { Schema } from "effect";
import { MANAGED_LABEL } from "../labels.ts";
import { mergePatchBetween } from "../kube/mergePatch.ts";
import { ViewMeta } from "../kube/view.ts";
import type { Description } from "./describe.ts";
import { OWN_ANNOTATIONS, OWN_LABELS } from "./keys.ts";

/** A Node reduced to what the labeler looks at. Whatever else is wrong with it does not keep it from being labelled. */
export const LabelledNode = Schema.Struct({ metadata: ViewMeta });
export interface LabelledNode extends Schema.Schema.Type<typeof LabelledNode> {}

/** The value of `kairos.io/managed` by which a user keeps the labeler and our selectors off a Node. */
const OPTED_OUT = "false";

export type Labelling =
  | { readonly _tag: "OptedOut" }
  | { readonly _tag: "UpToDate" }
  /** A JSON merge patch of the Node. It holds for the version that was read only: any later write, an opt-out above all, wins. */
  | { readonly _tag: "Patch"; readonly patch: object };

type Strings = Readonly<Record<string, string>>;

const only = (keys: ReadonlyArray<string>, values: Strings = {}): Strings =>
  Object.fromEntries(
    keys.flatMap((key) => {
      const value = values[key];
      return value === undefined ? [] : [[key, value]];
    }),
  );

/** Decides from a Node that was just read. Keys of ours that no longer apply are removed; all others stay as they are. */
export const label = ({ metadata }: LabelledNode, description: Description): Labelling => {
  if (metadata.labels?.[MANAGED_LABEL] === OPTED_OUT) return { _tag: "OptedOut" };
  const changes = mergePatchBetween(
    {
      labels: only(OWN_LABELS, metadata.labels),
      annotations: only(OWN_ANNOTATIONS, metadata.annotations),
    },
    description,
  );
  if (changes === undefined) return { _tag: "UpToDate" };
  const { uid, resourceVersion } = metadata;
  return { _tag: "Patch", patch: { metadata: Object.assign({ uid, resourceVersion }, changes) } };
};
