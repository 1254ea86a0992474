/** Names and uids that the server makes, from its source of chance. */

/** No vowels and nothing that looks like something else (apimachinery util/rand). */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;
const NAME_LENGTH_MAX = 63;

/** `prefix` cut to 58 characters and five drawn ones (apiserver storage/names/generate.go). */
export const generateName = (prefix: string, chance: () => number): string => {
  let suffix = "";
  for (let index = 0; index < SUFFIX_LENGTH; index++) {
    suffix += ALPHABET.charAt(Math.floor(chance() * ALPHABET.length));
  }
  return prefix.slice(0, NAME_LENGTH_MAX - SUFFIX_LENGTH) + suffix;
};

const hex = (chance: () => number): string =>
  Math.floor(chance() * 0x1_0000_0000)
    .toString(16)
    .padStart(8, "0");

/** A random UUID, version 4 (RFC 9562). */
export const newUid = (chance: () => number): string => {
  const [a, b, c, d] = [hex(chance), hex(chance), hex(chance), hex(chance)];
  const variant = (8 + (Number.parseInt(c.charAt(0), 16) & 3)).toString(16);
  return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-${variant}${c.slice(1, 4)}-${c.slice(4)}${d}`;
};
