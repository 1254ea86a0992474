/** The Kairos version in an image's tag, as far as the tag tells. */

/** The tag of an image reference; undefined where it has none, as `name@sha256:…`. A registry's port is no tag. */
const tagOf = (image: string): string | undefined => {
  const [reference = ""] = image.split("@");
  const name = reference.slice(reference.lastIndexOf("/") + 1);
  const colon = name.indexOf(":");
  return colon < 0 ? undefined : name.slice(colon + 1);
};

/** `<flavor release>-<variant>-<arch>-<model>-<version>`; a flavor release can itself look like a version (hadron v0.0.1). */
const KAIROS_TAG = /-(?:amd64|arm64)-.+?-(v\d+\.\d+\.\d+.*)$/u;

/** Any other tag that has a version in it, such as `v1.2.3` or `edge-v1.2.3`. */
const OTHER_TAG = /(?:^|-)(v\d+\.\d+\.\d+.*)$/u;

/** What Kairos appends to the tags of images in other formats. */
const FORMAT = /-(?:uki|img)$/u;

/**
 * The full version that an image's tag names, as tags write it: `v3.4.2-k3sv1.30.11-k3s1`, or `v3.4.2` without
 * Kubernetes. Release files write the same version with `+` (`v3.4.2-k3sv1.30.11+k3s1`), which no tag can hold. Undefined
 * where the tag names none: a digest alone, `latest`, `nightly`. Source: kairos-sdk versioneer, Artifact.Tag.
 */
export const versionOfImage = (image: string): string | undefined => {
  const tag = tagOf(image)?.replace(FORMAT, "");
  if (tag === undefined) return undefined;
  return (KAIROS_TAG.exec(tag) ?? OTHER_TAG.exec(tag))?.[1];
};

/** A full version without that of its Kubernetes, for display: `v3.4.2` of `v3.4.2-k3sv1.30.11-k3s1`. */
export const shortVersion = (full: string): string =>
  full.replace(/-(?:[a-z][a-z0-9]*)?v\d+\.\d+\.\d+.*$/u, "");
