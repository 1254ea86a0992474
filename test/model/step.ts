/**
 * The vocabulary in which the processes of the model state their transitions.
 *
 * A transition is a label and a change of the state. Its kind decides what the search may count on: a `step`
 * happens eventually (liveness relies on it), a `free` one may happen any number of times or never (a crash,
 * a lost request), a `fault` happens only while the budget lasts.
 */
import type { Config, Fault, Repairs } from "./protocol.ts";
import type { NodeState, State } from "./state.ts";

/** Changes a node and, where a transition reaches further, the whole state. */
export type Change = (node: NodeState, state: State) => void;

/** Takes one transition: label, the key of the state it leads to, whether it happens eventually. */
export type Emit = (label: string, key: string, eventually: boolean) => void;

/** One node in one state, and the ways to state what may happen there next. */
export interface Step {
  readonly state: State;
  readonly n: number;
  readonly node: NodeState;
  readonly repairs: Repairs;
  readonly step: (label: string, change: Change) => void;
  readonly free: (label: string, change: Change) => void;
  readonly fault: (kind: Fault, label: string, change: Change) => void;
}

/**
 * Makes the steps of every node of `state`; each transition is worked out on `scratch` and emitted. Both
 * states are reused, so `state` must not change while its transitions are stated.
 */
export const makeSteps = (
  config: Config,
  state: State,
  scratch: State,
  emit: Emit,
): {
  readonly steps: ReadonlyArray<Step>;
  readonly take: (label: string, eventually: boolean, change: (state: State) => void) => void;
} => {
  const possible = new Set<Fault>(config.faults ?? []);
  const take = (label: string, eventually: boolean, change: (to: State) => void): void => {
    scratch.copyFrom(state);
    change(scratch);
    scratch.sortSlots();
    emit(label, scratch.key(), eventually);
  };
  return {
    take,
    steps: state.nodes.map((node, n): Step => {
      const prefix = `n${n} `;
      const on = (change: Change) => (to: State) => change(to.node(n), to);
      return {
        state,
        n,
        node,
        repairs: config.repairs,
        step: (label, change) => take(prefix + label, true, on(change)),
        free: (label, change) => take(prefix + label, false, on(change)),
        fault: (kind, label, change) => {
          if (state.operation.faultsLeft === 0 || !possible.has(kind)) return;
          take(prefix + label, false, (to) => {
            to.operation.faultsLeft--;
            change(to.node(n), to);
          });
        },
      };
    }),
  };
};
