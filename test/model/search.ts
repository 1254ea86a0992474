/**
 * Breadth-first search through all states of a model: the shortest history to each broken law, and the states
 * from which the end cannot be reached any more.
 */

/** A transition system over keys; `expand` emits each successor and whether the transition happens eventually. */
export interface Model {
  readonly initial: string;
  /** The law that the state breaks. Such states are not expanded. */
  readonly violation: (key: string) => string | undefined;
  readonly expand: (
    key: string,
    emit: (label: string, key: string, eventually: boolean) => void,
  ) => void;
  /** The end that must stay reachable by transitions that happen eventually, that is, without crash or fault. */
  readonly isDone: (key: string) => boolean;
  /** States that may remain unfinished. */
  readonly isExcused: (key: string) => boolean;
  readonly describe: (key: string) => string;
}

/** Labels of the transitions from the initial state. */
type Trace = ReadonlyArray<string>;

export interface Findings {
  readonly states: number;
  readonly transitions: number;
  /** Length of the longest of the shortest histories. */
  readonly depth: number;
  /** The search ended before all states were seen: nothing found means nothing then. */
  readonly capped: boolean;
  /** Per broken law the shortest history that breaks it. */
  readonly violations: ReadonlyMap<string, Trace>;
  /** States from which the end cannot be reached, and the shortest history to one. Undefined when not searched. */
  readonly stuck:
    | { readonly count: number; readonly trace: Trace; readonly state: string }
    | undefined;
}

export interface Limits {
  readonly maxStates?: number;
  /** Ends the search as soon as these laws have been broken, without looking for stuck states. */
  readonly until?: ReadonlyArray<string>;
}

/** A growing list of 32-bit numbers: four bytes each where an array would take eight and move them. */
class Numbers {
  private values = new Int32Array(1024);
  length = 0;
  push(value: number): void {
    if (this.length === this.values.length) {
      const grown = new Int32Array(2 * this.length);
      grown.set(this.values);
      this.values = grown;
    }
    this.values[this.length++] = value;
  }
  at(index: number): number {
    return this.values[index] ?? 0;
  }
}

/** The states seen so far, numbered in the order of their discovery. */
class Seen {
  readonly keys: Array<string> = [];
  private readonly numbers = new Map<string, number>();
  private readonly parents = new Numbers();
  private readonly depths = new Numbers();

  /** The number of a state, new or known. */
  add(key: string, parent: number): number {
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    const number = this.keys.length;
    this.numbers.set(key, number);
    this.keys.push(key);
    this.parents.push(parent);
    this.depths.push(parent < 0 ? 0 : this.depths.at(parent) + 1);
    return number;
  }
  key(number: number): string {
    return this.keys[number] ?? "";
  }
  depth(number: number): number {
    return this.depths.at(number);
  }
  /** The history that first led to a state; labels are not stored but found again by expanding its parents. */
  trace(model: Model, number: number): Trace {
    const labels: Array<string> = [];
    for (let to = number; this.parents.at(to) >= 0; to = this.parents.at(to)) {
      let found: string | undefined;
      model.expand(this.key(this.parents.at(to)), (label, key) => {
        if (key === this.key(to)) found ??= label;
      });
      labels.push(found ?? "?");
    }
    return labels.toReversed();
  }
}

/** Transitions that happen eventually, to be walked backwards. */
class Edges {
  private readonly from = new Numbers();
  private readonly to = new Numbers();
  add(from: number, to: number): void {
    this.from.push(from);
    this.to.push(to);
  }
  /** Marks in `reached` every state from which a marked one can be reached. */
  walkBack(reached: Uint8Array): void {
    const first = new Int32Array(reached.length).fill(-1);
    const following = new Int32Array(this.to.length);
    for (let edge = 0; edge < this.to.length; edge++) {
      following[edge] = first[this.to.at(edge)] ?? -1;
      first[this.to.at(edge)] = edge;
    }
    const open: Array<number> = [];
    reached.forEach((mark, state) => void (mark === 1 && open.push(state)));
    for (let state = open.pop(); state !== undefined; state = open.pop())
      for (let edge = first[state] ?? -1; edge >= 0; edge = following[edge] ?? -1) {
        const from = this.from.at(edge);
        if (reached[from] === 1) continue;
        reached[from] = 1;
        open.push(from);
      }
  }
}

const findStuck = (
  model: Model,
  seen: Seen,
  edges: Edges,
  broken: ReadonlySet<number>,
): Findings["stuck"] => {
  const { keys } = seen;
  const reached = Uint8Array.from(keys, (key, i) => (broken.has(i) || model.isDone(key) ? 1 : 0));
  edges.walkBack(reached);
  const stuck = keys.flatMap((key, i) => (reached[i] === 1 || model.isExcused(key) ? [] : [i]));
  const [shortest] = stuck;
  if (shortest === undefined) return { count: 0, trace: [], state: "" };
  return {
    count: stuck.length,
    trace: seen.trace(model, shortest),
    state: model.describe(seen.key(shortest)),
  };
};

/** Searches all states of a model, or as many as the limits allow. */
export const explore = (model: Model, limits: Limits = {}): Findings => {
  const { maxStates = Infinity, until = [] } = limits;
  const seen = new Seen();
  const edges = new Edges();
  const broken = new Set<number>();
  const violations = new Map<string, Trace>();
  let transitions = 0;
  let current = 0;
  const emit = (_: string, key: string, eventually: boolean): void => {
    transitions++;
    const to = seen.add(key, current);
    if (eventually) edges.add(current, to);
  };
  const enough = () => until.length > 0 && until.every((law) => violations.has(law));
  seen.add(model.initial, -1);
  for (; current < seen.keys.length; current++) {
    if (seen.keys.length > maxStates || enough()) break;
    const key = seen.key(current);
    const law = model.violation(key);
    if (law === undefined) {
      model.expand(key, emit);
      continue;
    }
    broken.add(current);
    if (!violations.has(law)) violations.set(law, seen.trace(model, current));
  }
  const capped = current < seen.keys.length;
  return {
    states: seen.keys.length,
    transitions,
    depth: seen.depth(seen.keys.length - 1),
    capped,
    violations,
    stuck: capped ? undefined : findStuck(model, seen, edges, broken),
  };
};
