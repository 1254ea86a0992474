/**
 * Quantities of Kubernetes (`500m`, `1.5Gi`, `4`), as exact integers of thousandths (apimachinery api/resource). Finer ones
 * are rounded up, as the scheduler and quotas do with CPU.
 */

/** How a quantity was written decides how sums of it are. */
type Format = "decimal" | "binary";

export interface Quantity {
  readonly milli: bigint;
  readonly format: Format;
}

const DECIMAL: ReadonlyArray<readonly [suffix: string, milli: bigint]> = [
  ["E", 10n ** 21n],
  ["P", 10n ** 18n],
  ["T", 10n ** 15n],
  ["G", 10n ** 12n],
  ["M", 10n ** 9n],
  ["k", 10n ** 6n],
  ["", 1000n],
  ["m", 1n],
];
const BINARY: ReadonlyArray<readonly [suffix: string, milli: bigint]> = [
  ["Ei", 1000n << 60n],
  ["Pi", 1000n << 50n],
  ["Ti", 1000n << 40n],
  ["Gi", 1000n << 30n],
  ["Mi", 1000n << 20n],
  ["Ki", 1000n << 10n],
  ["", 1000n],
];

const SYNTAX = /^([+-]?)(\d*)(?:\.(\d*))?(m|k|[MGTPE]i?|Ki|)$/u;

/** The quantity that a field of JSON holds, a number or a text; undefined when it is none. Exponents are not read. */
export const parseQuantity = (value: unknown): Quantity | undefined => {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const [, sign, whole = "", fraction = "", suffix = ""] = SYNTAX.exec(String(value)) ?? [];
  if (sign === undefined || whole + fraction === "") return undefined;
  const format: Format = suffix.endsWith("i") ? "binary" : "decimal";
  const unit = (format === "binary" ? BINARY : DECIMAL).find(([name]) => name === suffix)?.[1];
  if (unit === undefined) return undefined;
  const parts = BigInt(whole + fraction) * unit;
  const scale = 10n ** BigInt(fraction.length);
  const milli = (parts + scale - 1n) / scale;
  return { milli: sign === "-" ? -milli : milli, format };
};

/** As the API server writes it: the largest unit of its format of which it is a whole multiple. */
export const formatQuantity = ({ milli, format }: Quantity): string => {
  if (milli === 0n) return "0";
  const units = format === "binary" && milli % 1000n === 0n ? BINARY : DECIMAL;
  const [suffix, unit] = units.find(([, size]) => milli % size === 0n) ?? ["m", 1n];
  return `${milli / unit}${suffix}`;
};

/** The sum, in the format of the first; a zero has none of its own. */
export const addQuantities = (one: Quantity, other: Quantity): Quantity => ({
  milli: one.milli + other.milli,
  format: one.milli === 0n ? other.format : one.format,
});

export const maxQuantity = (one: Quantity, other: Quantity): Quantity =>
  other.milli > one.milli ? other : one;
