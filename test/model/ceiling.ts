/**
 * Two operations, two operator processes and a ceiling of one node in flight over all: is it ever exceeded, and does anything
 * wait for ever?
 *
 * A third model beside `model.ts` and `hold.ts`. A node's way is waiting → in flight → done. What matters is the book: one
 * object that names the nodes that may be in flight, each with the version of its operation under which it is to be claimed.
 * Writes arrive late or never, a node becomes Ready late, one operation may be deleted.
 */
import { at, ByteState, layout } from "./bytes.ts";
import type { Model } from "./search.ts";
import { both, Phase, twoOperations } from "./twoOperations.ts";

/**
 * How the ceiling is kept: `statuses` counts what all operations have in flight and then claims; the others enter the node
 * into the book first. `blind` writes the book without its resourceVersion; `unversioned` strikes out every entry without a
 * claim; `unfenced` counts the entries that an operation has made for nodes that it does not want any more, and never gives
 * them up; `book` is the protocol.
 */
export type Ceiling = "statuses" | "blind" | "unversioned" | "unfenced" | "book";

const CEILING = 1;
const Entry = { waiting: 0, inFlight: 1, done: 2, cancelled: 3 } as const;
const entryNames = Object.keys(Entry);
/** Whether a line of the book names the version of its operation that is stored, or an earlier one. */
const Line = { none: 0, current: 1, outdated: 2 } as const;
const lineNames = Object.keys(Line);
const Write = { none: 0, commit: 1, touch: 2, book: 3, remove: 4 } as const;

/** A pending write; the two `fresh` bytes are its preconditions. `kept` are the lines that a new book keeps, as bits. */
const idle = {
  write: 0,
  operation: 0,
  node: 0,
  entry: 0,
  kept: 0,
  freshOperation: 0,
  freshBook: 0,
};
type Slot = typeof idle;
type Decision = Pick<Slot, "write" | "operation" | "node" | "entry" | "kept">;

const slotLayout = layout(idle);
const operationLayout = layout({ phase: 0, first: 0, second: 0 });
/** A line for each node of each operation. */
const bookLayout = layout({ line: 0 });
/** `ready` is about the first node of the first operation: all others are. */
const worldLayout = layout({ deletions: 1, ready: 0 });

const places = both.flatMap((operation) => both.map((node) => ({ operation, node })));
type Place = (typeof places)[number];
const indexOf = ({ node, operation }: Pick<Slot, "operation" | "node">): number =>
  2 * operation + node;

class CeilingState extends ByteState {
  readonly slots: ReadonlyArray<Slot>;
  readonly operations: ReadonlyArray<{ phase: number; first: number; second: number }>;
  readonly book: ReadonlyArray<{ line: number }>;
  readonly world: { deletions: number; ready: number };
  constructor() {
    super(
      2 * (slotLayout.size + operationLayout.size) +
        places.length * bookLayout.size +
        worldLayout.size,
    );
    this.slots = this.groups(slotLayout, 2);
    this.operations = this.groups(operationLayout, 2);
    this.book = this.groups(bookLayout, places.length);
    this.world = at(this.groups(worldLayout, 1), 0);
  }
  entry({ node, operation }: Pick<Slot, "operation" | "node">): number {
    const { first, second } = at(this.operations, operation);
    return node === 0 ? first : second;
  }
  setEntry({ node, operation }: Pick<Slot, "operation" | "node">, entry: number): void {
    if (node === 0) at(this.operations, operation).first = entry;
    else at(this.operations, operation).second = entry;
  }
  line(place: Pick<Slot, "operation" | "node">): { line: number } {
    return at(this.book, indexOf(place));
  }
  sortSlots(): void {
    this.sort(slotLayout.size, 2);
  }
  operationChanged(operation: number): void {
    for (const slot of this.slots)
      if (slot.write !== Write.none && slot.operation === operation) slot.freshOperation = 0;
    for (const node of both) {
      const line = this.line({ operation, node });
      if (line.line === Line.current) line.line = Line.outdated;
    }
  }
  bookChanged(): void {
    for (const slot of this.slots) slot.freshBook = 0;
  }
}

const isInFlight = (state: CeilingState, place: Place): boolean =>
  at(state.operations, place.operation).phase !== Phase.gone &&
  state.entry(place) === Entry.inFlight;

/** Whether a line still stands for a node that is in flight, or that may yet be claimed: by a read of the operation itself. */
const counts = (state: CeilingState, place: Place, ceiling: Ceiling): boolean => {
  const { line } = state.line(place);
  if (line === Line.none || at(state.operations, place.operation).phase === Phase.gone)
    return false;
  if (isInFlight(state, place)) return true;
  return line === Line.current && ceiling !== "unversioned";
};

/** What comes of wanting to start a node: a claim where the book allows it, else a new book, else a write that frees it. */
const decideStart = (state: CeilingState, want: Place, ceiling: Ceiling): Decision | undefined => {
  const claim = { ...want, write: Write.commit, entry: Entry.inFlight, kept: 0 };
  if (ceiling === "statuses")
    return places.filter((place) => isInFlight(state, place)).length < CEILING ? claim : undefined;
  if (state.line(want).line === Line.current) return claim;
  const others = places.filter((place) => place !== want && counts(state, place, ceiling));
  if (others.length < CEILING) {
    const kept = others.reduce((bits, place) => bits + 2 ** indexOf(place), 0);
    return { ...want, write: Write.book, entry: 0, kept };
  }
  const isOwn = ({ operation }: Place) => operation === want.operation;
  const isUnwanted = others.some((place) => isOwn(place) && !isInFlight(state, place));
  return isUnwanted && ceiling !== "unfenced"
    ? { ...want, write: Write.touch, entry: 0, kept: 0 }
    : undefined;
};

/** What a process might write next for one operation: it works on one node at a time, in order. */
const decide = (state: CeilingState, operation: number, ceiling: Ceiling): Decision | undefined => {
  const { phase } = at(state.operations, operation);
  if (phase === Phase.gone) return undefined;
  const own = places.filter((place) => place.operation === operation);
  const busy = own.find((place) => isInFlight(state, place));
  if (busy !== undefined) {
    const entry = phase === Phase.live ? Entry.done : Entry.cancelled;
    return { ...busy, write: Write.commit, entry, kept: 0 };
  }
  if (phase === Phase.deleting)
    return { operation, node: 0, write: Write.remove, entry: 0, kept: 0 };
  const isReady = (place: Place) => place !== places[0] || state.world.ready === 1;
  const want = own.find((place) => state.entry(place) === Entry.waiting && isReady(place));
  return want === undefined ? undefined : decideStart(state, want, ceiling);
};

/** A pending write reaches the API server. */
const deliver = (state: CeilingState, slot: Slot, ceiling: Ceiling): void => {
  const { entry, freshBook, freshOperation, kept, node, operation, write } = slot;
  Object.assign(slot, idle);
  const target = at(state.operations, operation);
  const place = { operation, node };
  if (write === Write.book) {
    if (freshBook === 0 && ceiling !== "blind") return;
    for (const [index, line] of state.book.entries())
      if ((kept & (2 ** index)) === 0) line.line = Line.none;
    state.line(place).line = freshOperation === 1 ? Line.current : Line.outdated;
    state.bookChanged();
    return;
  }
  if (freshOperation === 0 || target.phase === Phase.gone) return;
  if (write === Write.commit) state.setEntry(place, entry);
  if (write === Write.remove) target.phase = Phase.gone;
  state.operationChanged(operation);
};

const describeWrite = ({ entry, node, operation, write }: Decision): string => {
  if (write === Write.commit) return `CAS ${entryNames[entry]} op${operation} n${node}`;
  if (write === Write.book) return `book op${operation} n${node}`;
  return `${write === Write.touch ? "touch" : "remove"} op${operation}`;
};

const isDone = (state: CeilingState): boolean =>
  places.every(
    (place) =>
      at(state.operations, place.operation).phase === Phase.gone ||
      state.entry(place) >= Entry.done,
  );

/** Makes the model of the ceiling that `explore` searches. */
export const makeCeilingModel = (ceiling: Ceiling): Model =>
  twoOperations<Decision, Slot, CeilingState>({
    make: () => new CeilingState(),
    idle,
    fresh: { freshOperation: 1, freshBook: 1 },
    violation: (state) =>
      places.filter((place) => isInFlight(state, place)).length > CEILING
        ? "more nodes in flight than the ceiling"
        : undefined,
    decide: (state, operation) => {
      const decision = decide(state, operation, ceiling);
      return decision === undefined ? [] : [decision];
    },
    describeWrite,
    deliver: (state, slot) => deliver(state, slot, ceiling),
    happens: [
      {
        label: "op0 n0 becomes Ready",
        can: ({ world }) => world.ready === 0,
        change: ({ world }) => {
          world.ready = 1;
        },
      },
    ],
    isDone,
    entryNames,
    describe: (state) => [`book ${state.book.map(({ line }) => lineNames[line]).join(" ")}`],
  });
