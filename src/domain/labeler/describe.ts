/** What the labels and annotations of a Kairos node say, from what its host says about itself. */
import { bootStateOf } from "../host/bootState.ts";
import { assignmentsOf } from "../host/release.ts";
import type { HostTexts } from "../host/texts.ts";
import { isLabelValue, MANAGED_LABEL } from "../labels.ts";
import { BOOT_STATE_LABEL, RELEASE_ANNOTATIONS, RELEASE_LABELS } from "./keys.ts";

type Assignments = ReadonlyMap<string, string>;

/** The labels and annotations that a Node should have, and no others of `OWN_LABELS` and `OWN_ANNOTATIONS`. */
export interface Description {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Describes a Kairos host; undefined when it is not one. */
export const describe = (texts: HostTexts): Description | undefined => {
  const release = kairosRelease(texts);
  if (release === undefined) return undefined;
  return {
    labels: {
      [MANAGED_LABEL]: "true",
      ...chosen(RELEASE_LABELS, release, labelText),
      ...(texts.commandLine === undefined ? {} : { [BOOT_STATE_LABEL]: bootStateOf(texts) }),
    },
    annotations: chosen(RELEASE_ANNOTATIONS, release, (value) => value),
  };
};

/**
 * What a Kairos host says of its release; undefined when it is no Kairos host. A file kairos-release is enough, whatever is
 * in it (original: e2e writes one without assignments). Without one, os-release must say so: by an ID that contains
 * "kairos", or by a Kairos version, as systems of version 2 did that kept the ID of their distribution.
 */
const kairosRelease = ({
  kairosRelease: own,
  osRelease = "",
}: HostTexts): Assignments | undefined => {
  if (own !== undefined) return assignmentsOf(own);
  const release = assignmentsOf(osRelease);
  const isKairos =
    (release.get("ID") ?? "").toLowerCase().includes("kairos") ||
    (release.get("KAIROS_VERSION") ?? "") !== "";
  return isKairos ? release : undefined;
};

/** The entries of a table whose assignments have a value. */
const chosen = (
  table: Readonly<Record<string, ReadonlyArray<string>>>,
  release: Assignments,
  render: (value: string) => string,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(table).flatMap(([key, sources]) => {
      const value = sources
        .map((source) => render(release.get(source) ?? ""))
        .find((text) => text !== "");
      return value === undefined ? [] : [[key, value]];
    }),
  );

const VALUE_LENGTH_MAX = 63;
const trimmed = (text: string): string => text.replaceAll(/^[-_.]+|[-_.]+$/gu, "");

/**
 * A value of a release file as a label value: `v1.30.11-k3s1` of `v1.30.11+k3s1`. Empty when nothing of it can be kept. The
 * rule is the original's, because users select by the result; `labelValue` marks what it changes and gives other values.
 */
export const labelText = (value: string): string =>
  isLabelValue(value)
    ? value
    : trimmed(trimmed(value.replaceAll(/[^-A-Za-z0-9_.]/gu, "-")).slice(0, VALUE_LENGTH_MAX));
