/**
 * Which object the patch that is being applied made from which other, and by changing which fields. With it an object of a
 * thousand entries of which one changed is compared, completed and validated by looking at that one. It is kept for one
 * request only: kept longer, every version of an object would keep all versions before it.
 */
interface Derivation {
  readonly base: object;
  readonly fields: ReadonlyArray<string>;
}

let derivations = new Map<object, Derivation>();

/** Forgets the derivations of the last patch. */
export const beginLineage = (): void => {
  if (derivations.size > 0) derivations = new Map();
};

/** Notes that `derived` is `base` but for these fields, which are set, removed or different, and at least one. */
export const noteDerivation = (
  derived: object,
  base: object,
  fields: ReadonlyArray<string>,
): void => {
  derivations.set(derived, { base, fields });
};

/** The fields in which `derived` differs from `base`; undefined when it is not known to be made from it. */
export const changedFields = (
  derived: object,
  base: unknown,
): ReadonlyArray<string> | undefined => {
  const derivation = derivations.get(derived);
  return derivation !== undefined && derivation.base === base ? derivation.fields : undefined;
};

/** What `derived` was made from, and the fields in which they differ. */
export const derivationOf = (derived: object): Derivation | undefined => derivations.get(derived);
