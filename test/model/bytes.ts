/**
 * States as short byte strings whose bytes are read and written by name.
 *
 * The search keeps a state as a latin1 key of one character per variable and loads it back into a reusable
 * object when it expands it, so nothing is allocated per transition but the key.
 */

/** A group of variables: how many bytes it takes, and how to see the bytes from an offset on as an object. */
export interface Layout<A extends object> {
  readonly size: number;
  readonly fields: ReadonlyArray<string>;
  /** The group at a byte offset, set to its first values. */
  readonly at: (bytes: Buffer, offset: number) => A;
}

/** Lays out a group of variables, each one byte (0–255), in the order in which `atFirst` names them. */
export function layout<A extends object>(atFirst: A): Layout<A> {
  class View {
    readonly bytes: Buffer;
    readonly offset: number;
    constructor(bytes: Buffer, offset: number) {
      this.bytes = bytes;
      this.offset = offset;
    }
  }
  const fields = Object.keys(atFirst);
  fields.forEach((field, i) =>
    Object.defineProperty(View.prototype, field, {
      get(this: View) {
        return this.bytes[this.offset + i];
      },
      set(this: View, value: number) {
        this.bytes[this.offset + i] = value;
      },
    }),
  );
  return {
    size: fields.length,
    fields,
    at: (bytes, offset) => Object.assign(new View(bytes, offset), atFirst),
  };
}

/** A mutable state over one buffer; subclasses name its parts. */
export class ByteState {
  readonly #bytes: Buffer;
  #used = 0;

  /** `size` is the number of bytes of all groups that the subclass will lay out. */
  constructor(size: number) {
    this.#bytes = Buffer.alloc(size);
  }

  /** Lays out `count` groups behind those before. */
  protected groups<A extends object>(group: Layout<A>, count: number): ReadonlyArray<A> {
    const offset = this.#used;
    this.#used += count * group.size;
    return Array.from({ length: count }, (_, i) => group.at(this.#bytes, offset + i * group.size));
  }

  copyFrom(other: ByteState): void {
    this.#bytes.set(other.#bytes);
  }
  load(key: string): void {
    this.#bytes.write(key, "latin1");
  }
  /** The identity of the state. */
  key(): string {
    return this.#bytes.toString("latin1");
  }

  /** Sorts the first `count` groups of `size` bytes: interchangeable processes make one state, not several. */
  protected sort(size: number, count: number): void {
    for (let i = 1; i < count; i++)
      for (let right = i * size; right > 0 && this.#isLess(right, size); right -= size)
        this.#swap(right, size);
  }

  /** Whether the group at `right` comes before its left neighbour. Plain loops: this runs once per transition. */
  #isLess(right: number, size: number): boolean {
    for (let i = right; i < right + size; i++) {
      const difference = this.#byte(i) - this.#byte(i - size);
      if (difference !== 0) return difference < 0;
    }
    return false;
  }
  #swap(right: number, size: number): void {
    for (let i = right; i < right + size; i++) {
      const moved = this.#byte(i);
      this.#bytes[i] = this.#byte(i - size);
      this.#bytes[i - size] = moved;
    }
  }
  #byte(index: number): number {
    return this.#bytes[index] ?? 0;
  }
}

/** The element at an index that exists by construction. */
export const at = <A>(values: ReadonlyArray<A>, index: number): A => {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no element ${index} of ${values.length}`);
  return value;
};
