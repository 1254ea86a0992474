/**
 * A deterministic source of chance: the same seed gives the same numbers, different seeds give unrelated ones. It is
 * sfc32 (PractRand, Chris Doty-Humphrey) with 128 bits of state, seeded by a hash, so that thousands of processes of
 * one world can each have their own.
 */

/** A stream of numbers that its seed determines completely. */
export class Chance {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number | string) {
    [this.#a, this.#b, this.#c] = hash(String(seed));
    // The first outputs still show the seed; PractRand discards twelve.
    for (let round = 0; round < 12; round++) this.#bits();
  }

  /** A number in [0, 1) with 53 random bits. */
  next(): number {
    const high = this.#bits() >>> 5;
    const low = this.#bits() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  }

  /** A whole number in [min, max]. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** 32 random bits, as a signed integer. */
  #bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum;
  }
}

/** Three independent 32-bit FNV-1a hashes of a text, each finished with the avalanche of MurmurHash3. */
const hash = (text: string): [number, number, number] => {
  const words: [number, number, number] = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    words[0] = Math.imul(words[0] ^ code, 0x01000193);
    words[1] = Math.imul(words[1] ^ code, 0x01000193) + 0x7f4a7c15;
    words[2] = Math.imul(words[2] ^ (code + i), 0x01000193);
  }
  return [avalanche(words[0]), avalanche(words[1]), avalanche(words[2])];
};

const avalanche = (word: number): number => {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
};
