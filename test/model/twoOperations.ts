/**
 * What the models of two operations share: two operator processes that decide one write each, which arrives late or never,
 * and a user who deletes one of the operations.
 */
import { at, type ByteState } from "./bytes.ts";
import type { Model } from "./search.ts";

/** Of an operation. */
export const Phase = { live: 0, deleting: 1, gone: 2 } as const;

export const both = [0, 1] as const;

export interface TwoOperationsState<Slot> extends ByteState {
  /** The write of each process. */
  readonly slots: ReadonlyArray<Slot>;
  /** Their phase, and their entries for the first and the second node. */
  readonly operations: ReadonlyArray<{ phase: number; first: number; second: number }>;
  /** `deletions` are those that the user may still make. */
  readonly world: { deletions: number };
  sortSlots(): void;
  operationChanged(operation: number): void;
}

export interface TwoOperations<
  Decision extends { readonly write: number },
  Slot extends Decision,
  State extends TwoOperationsState<Slot>,
> {
  readonly make: () => State;
  /** A slot without a write. */
  readonly idle: Slot;
  /** The preconditions of a write that was decided just now. */
  readonly fresh: Partial<Slot>;
  readonly violation: (state: State) => string | undefined;
  /** What a process might write next for one operation. */
  readonly decide: (state: State, operation: number) => ReadonlyArray<Decision>;
  readonly describeWrite: (write: Decision) => string;
  /** A pending write reaches the API server. */
  readonly deliver: (state: State, slot: Slot) => void;
  /** What happens by itself at last, and makes of `next`, a copy of `state`, what it is then. */
  readonly happens?: ReadonlyArray<{
    readonly label: string;
    readonly can: (state: State) => boolean;
    readonly change: (next: State) => void;
  }>;
  readonly isDone: (state: State) => boolean;
  readonly entryNames: ReadonlyArray<string>;
  /** Beside the operations. */
  readonly describe: (state: State) => ReadonlyArray<string>;
}

/** The model that `explore` searches. */
export const twoOperations = <
  Decision extends { readonly write: number },
  Slot extends Decision,
  State extends TwoOperationsState<Slot>,
>(
  given: TwoOperations<Decision, Slot, State>,
): Model => {
  const state = given.make();
  const next = given.make();
  const loaded =
    <A>(read: (state: State) => A) =>
    (key: string) => {
      state.load(key);
      return read(state);
    };
  return {
    initial: state.key(),
    violation: loaded(given.violation),
    expand: (key, emit) => {
      state.load(key);
      const take = (label: string, eventually: boolean, change: () => void) => {
        next.copyFrom(state);
        change();
        next.sortSlots();
        emit(label, next.key(), eventually);
      };
      const decisions = both.flatMap((operation) => given.decide(state, operation));
      state.slots.forEach((slot, process) => {
        const target = at(next.slots, process);
        if (slot.write === given.idle.write)
          for (const decision of decisions)
            take(`P${process} decides ${given.describeWrite(decision)}`, true, () =>
              Object.assign(target, decision, given.fresh),
            );
        else {
          const what = `P${process} ${given.describeWrite(slot)}`;
          take(`${what} reaches the API`, true, () => given.deliver(next, target));
          take(`${what} is lost`, false, () => Object.assign(target, given.idle));
        }
      });
      for (const { label, can, change } of given.happens ?? [])
        if (can(state)) take(label, true, () => change(next));
      if (state.world.deletions === 0) return;
      for (const operation of both)
        if (at(state.operations, operation).phase === Phase.live)
          take(`user deletes op${operation}`, false, () => {
            next.world.deletions = 0;
            at(next.operations, operation).phase = Phase.deleting;
            next.operationChanged(operation);
          });
    },
    isDone: loaded(given.isDone),
    isExcused: () => false,
    describe: loaded((current) =>
      current.operations
        .map(
          ({ first, phase, second }, i) =>
            `op${i} ${phase} ${given.entryNames[first]} ${given.entryNames[second]}`,
        )
        .concat(given.describe(current))
        .join(" | "),
    ),
  };
};
