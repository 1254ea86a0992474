/**
 * Two operations over the same two nodes: is a node ever worked on by both?
 *
 * A second, smaller model beside `model.ts`: the node's way is shortened to claimed → working → done, and
 * what matters is who holds the node. Two operator processes, writes that arrive late or never, one
 * deletion.
 */
import { at, ByteState, layout } from "./bytes.ts";
import type { Model } from "./search.ts";
import { both, Phase, twoOperations } from "./twoOperations.ts";

/**
 * What keeps two operations off the same node: `claims` is the page read naively ("nodes claimed by one
 * operation are not started by another", looked up in a status), `hold` the annotation on the Node under its
 * resourceVersion, `takeover` the same when a hold may also be taken from a holder that has ended.
 */
export type Exclusion = "claims" | "hold" | "takeover";

const Entry = { waiting: 0, claimed: 1, working: 2, done: 3, cancelled: 4 } as const;
const entryNames = Object.keys(Entry);
const Write = { none: 0, commit: 1, hold: 2, release: 3, removeFinalizer: 4 } as const;
const writeNames = ["none", "CAS", "hold", "release", "removeFinalizer"];

/** A pending write; the two `fresh` bytes are its preconditions on the operation and on the Node. */
const idle = { write: 0, operation: 0, node: 0, entry: 0, freshOperation: 0, freshNode: 0 };
type Slot = typeof idle;
type Decision = Pick<Slot, "write" | "operation" | "node" | "entry">;

const slotLayout = layout(idle);
const operationLayout = layout({ phase: 0, first: 0, second: 0 });
/** `holder` is 1 + the operation, 0 for none. */
const nodeLayout = layout({ holder: 0 });
const worldLayout = layout({ deletions: 1 });
type OperationState = { phase: number; first: number; second: number };

const isInFlight = (entry: number): boolean => entry === Entry.claimed || entry === Entry.working;
const isTerminal = (entry: number): boolean => entry >= Entry.done;

class HoldState extends ByteState {
  readonly slots: ReadonlyArray<Slot>;
  readonly operations: ReadonlyArray<OperationState>;
  readonly nodes: ReadonlyArray<{ holder: number }>;
  readonly world: { deletions: number };
  constructor() {
    super(2 * (slotLayout.size + operationLayout.size + nodeLayout.size) + worldLayout.size);
    this.slots = this.groups(slotLayout, 2);
    this.operations = this.groups(operationLayout, 2);
    this.nodes = this.groups(nodeLayout, 2);
    this.world = at(this.groups(worldLayout, 1), 0);
  }
  entry(operation: number, node: number): number {
    const { first, second } = at(this.operations, operation);
    return node === 0 ? first : second;
  }
  setEntry(operation: number, node: number, entry: number): void {
    if (node === 0) at(this.operations, operation).first = entry;
    else at(this.operations, operation).second = entry;
  }
  sortSlots(): void {
    this.sort(slotLayout.size, 2);
  }
  operationChanged(operation: number): void {
    for (const slot of this.slots)
      if (slot.write !== Write.none && slot.operation === operation) slot.freshOperation = 0;
  }
  nodeChanged(node: number): void {
    for (const slot of this.slots)
      if (slot.write !== Write.none && slot.node === node) slot.freshNode = 0;
  }
}

/** The holder has nothing to do on the node any more: gone, or its entry for it is terminal. */
const holderEnded = (state: HoldState, node: number): boolean => {
  const holder = at(state.nodes, node).holder - 1;
  return at(state.operations, holder).phase === Phase.gone || isTerminal(state.entry(holder, node));
};

/** One node of a live operation: claim, hold, work, done, release. */
const decideLive = (
  state: HoldState,
  operation: number,
  node: number,
  exclusion: Exclusion,
): number => {
  const entry = state.entry(operation, node);
  const { holder } = at(state.nodes, node);
  const isMine = holder === operation + 1;
  if (entry === Entry.waiting) {
    const busy = both.some((n) => isInFlight(state.entry(operation, n)));
    const inOrder = node === 0 || state.entry(operation, 0) !== Entry.waiting;
    const isTheirs = isInFlight(state.entry(1 - operation, node));
    return !busy && inOrder && !isTheirs ? Write.commit : Write.none;
  }
  if (entry === Entry.claimed && exclusion !== "claims" && !isMine) {
    const free = holder === 0 || (exclusion === "takeover" && holderEnded(state, node));
    return free ? Write.hold : Write.none;
  }
  if (isTerminal(entry)) return isMine ? Write.release : Write.none;
  return Write.commit;
};

/** What a process might write next for one operation. */
const decide = (
  state: HoldState,
  operation: number,
  exclusion: Exclusion,
): ReadonlyArray<Decision> => {
  const { phase } = at(state.operations, operation);
  const isHeld = (node: number) => at(state.nodes, node).holder === operation + 1;
  const release = (node: number) => ({ write: Write.release, operation, node, entry: 0 });
  // The sweep: a hold whose operation no longer exists.
  if (phase === Phase.gone) return both.filter(isHeld).map(release);
  if (phase === Phase.live)
    return both.flatMap((node) => {
      const write = decideLive(state, operation, node, exclusion);
      const entry = write === Write.commit ? state.entry(operation, node) + 1 : 0;
      return write === Write.none ? [] : [{ write, operation, node, entry }];
    });
  const inFlight = both.filter((node) => isInFlight(state.entry(operation, node)));
  const cancel = inFlight.map((node) => ({
    write: Write.commit,
    operation,
    node,
    entry: Entry.cancelled,
  }));
  const releases = both.filter((node) => !inFlight.includes(node) && isHeld(node)).map(release);
  if (inFlight.length > 0 || both.some(isHeld)) return [...cancel, ...releases];
  return [{ write: Write.removeFinalizer, operation, node: 0, entry: 0 }];
};

/** A pending write reaches the API server. */
const deliver = (state: HoldState, slot: Slot): void => {
  const { entry, freshNode, freshOperation, node, operation, write } = slot;
  Object.assign(slot, idle);
  const target = at(state.nodes, node);
  const { phase } = at(state.operations, operation);
  if (write === Write.commit && freshOperation === 1 && phase !== Phase.gone) {
    state.setEntry(operation, node, entry);
    state.operationChanged(operation);
  }
  if (write === Write.hold && freshNode === 1) {
    target.holder = operation + 1;
    state.nodeChanged(node);
  }
  // Whatever else changed of the Node: the release tests who holds it.
  if (write === Write.release && target.holder === operation + 1) {
    target.holder = 0;
    state.nodeChanged(node);
  }
  if (write === Write.removeFinalizer && freshOperation === 1) {
    at(state.operations, operation).phase = Phase.gone;
    state.operationChanged(operation);
  }
};

const describeWrite = ({ entry, node, operation, write }: Decision): string =>
  `${writeNames[write]}${write === Write.commit ? ` ${entryNames[entry]}` : ""} op${operation} n${node}`;

/** Every operation has come to its end and holds nothing. */
const isDone = (state: HoldState): boolean =>
  both.every(
    (operation) =>
      (at(state.operations, operation).phase === Phase.gone ||
        both.every((node) => isTerminal(state.entry(operation, node)))) &&
      state.nodes.every(({ holder }) => holder !== operation + 1),
  );

/** Makes the model of two operations that `explore` searches. */
export const makeHoldModel = (exclusion: Exclusion): Model =>
  twoOperations<Decision, Slot, HoldState>({
    make: () => new HoldState(),
    idle,
    fresh: { freshOperation: 1, freshNode: 1 },
    violation: (state) =>
      both.some((node) => both.every((operation) => state.entry(operation, node) === Entry.working))
        ? "both operations work on one node"
        : undefined,
    decide: (state, operation) => decide(state, operation, exclusion),
    describeWrite,
    deliver,
    isDone,
    entryNames,
    describe: (state) => state.nodes.map(({ holder }, i) => `n${i} held by ${holder}`),
  });
