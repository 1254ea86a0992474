/** Memoising by object identity: values are immutable, so the same object always gives the same result. */

/** `compute`, done once per object; other values (strings, null, …) are computed anew each time. */
export const memoised = <A>(compute: (json: unknown) => A): ((json: unknown) => A) => {
  const known = new WeakMap<object, { readonly value: A }>();
  return (json) => {
    if (typeof json !== "object" || json === null) return compute(json);
    const before = known.get(json);
    if (before !== undefined) return before.value;
    const value = compute(json);
    known.set(json, { value });
    return value;
  };
};
