/**
 * The labels and annotations that the node labeler keeps on a Node, and where their values come from. They are the
 * original's (cmd/node-labeler), so that selectors of users go on working. No other key of a Node is ever touched.
 */
import { MANAGED_LABEL } from "../labels.ts";

/** Which of a host's systems is running (`BootState`). */
export const BOOT_STATE_LABEL = "kairos.io/boot-state";

/** Label → assignments of the release file; the first that has a value counts. Older systems have no KAIROS_ARCH. */
export const RELEASE_LABELS: Readonly<Record<string, ReadonlyArray<string>>> = {
  "kairos.io/id": ["KAIROS_ID"],
  "kairos.io/family": ["KAIROS_FAMILY"],
  "kairos.io/flavor": ["KAIROS_FLAVOR"],
  "kairos.io/flavor-release": ["KAIROS_FLAVOR_RELEASE"],
  "kairos.io/variant": ["KAIROS_VARIANT"],
  "kairos.io/release": ["KAIROS_RELEASE"],
  "kairos.io/model": ["KAIROS_MODEL"],
  "kairos.io/arch": ["KAIROS_ARCH", "KAIROS_TARGETARCH"],
  "kairos.io/trusted-boot": ["KAIROS_TRUSTED_BOOT"],
  "kairos.io/fips": ["KAIROS_FIPS"],
  "kairos.io/software-version-prefix": ["KAIROS_SOFTWARE_VERSION_PREFIX"],
  "kairos.io/software-version": ["KAIROS_SOFTWARE_VERSION"],
};

/** Annotation → assignments of the release file. */
export const RELEASE_ANNOTATIONS: Readonly<Record<string, ReadonlyArray<string>>> = {
  "kairos.io/name": ["KAIROS_NAME"],
  "kairos.io/id-like": ["KAIROS_ID_LIKE"],
  "kairos.io/init-version": ["KAIROS_INIT_VERSION"],
  "kairos.io/version": ["KAIROS_VERSION"],
  "kairos.io/bug-report-url": ["KAIROS_BUG_REPORT_URL"],
  "kairos.io/home-url": ["KAIROS_HOME_URL"],
};

/** Every label that is the labeler's to set and to remove. */
export const OWN_LABELS: ReadonlyArray<string> = [
  MANAGED_LABEL,
  BOOT_STATE_LABEL,
  ...Object.keys(RELEASE_LABELS),
];

/** Every annotation that is the labeler's to set and to remove. */
export const OWN_ANNOTATIONS: ReadonlyArray<string> = Object.keys(RELEASE_ANNOTATIONS);
