/** `intstr.IntOrString`: a number of Pods, or a part of them (apimachinery, `GetScaledValueFromIntOrPercent`). */

/** A number of Pods, or `30%` of them. */
export type IntOrPercent = number | string;

/** How many that is of so many, what is not whole rounded up or down by `round`. */
export const portionOf = (
  value: IntOrPercent,
  of: number,
  round: (value: number) => number = Math.ceil,
): number => (typeof value === "number" ? value : round((Number.parseInt(value, 10) * of) / 100));
