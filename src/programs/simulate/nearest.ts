/** Which known word a misspelt one was meant to be. */

/** Edits (insertions, deletions, replacements, swaps of neighbours) up to which a word counts as misspelt. */
const editsAllowed = (word: string): number => Math.max(1, Math.floor(word.length / 3));

/** Optimal string alignment distance of two words, without regard to case. */
const distance = (left: string, right: string): number => {
  const [a, b] = [left.toLowerCase(), right.toLowerCase()];
  let [before, row]: [ReadonlyArray<number>, ReadonlyArray<number>] = [
    [],
    Array.from({ length: b.length + 1 }, (_, index) => index),
  ];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? before[j - 2]! + 1 : Infinity;
      next.push(Math.min(replaced, swapped, row[j]! + 1, next[j - 1]! + 1));
    }
    [before, row] = [row, next];
  }
  return row[b.length]!;
};

/** The known word nearest to a misspelt one; undefined when none is near enough to be meant. */
export const nearest = (word: string, known: Iterable<string>): string | undefined => {
  // Nobody misspells so long a word; comparing it would cost its square.
  if (word.length > 100) return undefined;
  const ranked = [...known]
    .map((name) => ({ name, edits: distance(word, name) }))
    .filter(({ edits }) => edits <= editsAllowed(word))
    .toSorted((left, right) => left.edits - right.edits);
  return ranked[0]?.name;
};

/** `; did you mean concurrency?`, or nothing. */
export const didYouMean = (word: string, known: Iterable<string>): string => {
  const meant = nearest(word, known);
  return meant === undefined ? "" : `; did you mean ${meant}?`;
};

/** Up to so many known words are listed where none is near. */
const LISTED_MAX = 12;

/** `; did you mean concurrency?`, or which words there are, when they are few. */
export const didYouMeanOneOf = (word: string, known: ReadonlyArray<string>): string => {
  const meant = didYouMean(word, known);
  if (meant !== "") return meant;
  return known.length <= LISTED_MAX ? `; write one of ${known.join(", ")}` : "";
};
