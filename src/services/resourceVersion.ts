/**
 * The order of resource versions. They are decimal integers that grow with every commit, comparable within a resource
 * (KEP-5504 "Comparable Resource Version"); what is not such an integer has no order and can only be equal or not.
 */
const DECIMAL = /^(0|[1-9][0-9]*)$/u;

/** Whether `a` is newer than `b`; undefined when they have no order. Compares as integers of any length. */
export const isNewer = (a: string, b: string): boolean | undefined => {
  if (!DECIMAL.test(a) || !DECIMAL.test(b)) return undefined;
  return a.length === b.length ? a > b : a.length > b.length;
};
