/**
 * The protocol model: one NodeOp over one or two nodes, with every interleaving of operators, agents and world.
 */
import { agent } from "./agent.ts";
import { decide } from "./operator.ts";
import type { Config } from "./protocol.ts";
import { faults, laws, lawNumber } from "./protocol.ts";
import type { Model } from "./search.ts";
import type { Emit } from "./step.ts";
import { makeSteps } from "./step.ts";
import type { NodeState } from "./state.ts";
import { Host, isTerminal, Operation, Stage, State } from "./state.ts";
import { world } from "./world.ts";
import { deliver, describeWrite, forget, isClaimedNode, scriptWorks, send } from "./writes.ts";

/** A node on which our work is going on, as a bystander sees it: script, pending reboot, down because of us. */
const isBusy = (node: NodeState): boolean => {
  if (scriptWorks(node) && node.excusedScript === 0) return true;
  if (node.excusedReboot === 1) return false;
  if (node.rebootPending === 1) return true;
  return node.host === Host.down && node.downByUs === 1 && !isTerminal(node.stage);
};

/** The number of the broken law, 0 for none. Concurrency is 1: two busy nodes are one too many. */
const violation = (state: State): number => {
  if (state.operation.violation !== 0) return state.operation.violation;
  return state.nodes.filter(isBusy).length > 1 ? lawNumber("P4") : 0;
};

/** The operation has come to its end: everything decided, nothing held, nothing in the way of its deletion. */
const isDone = (state: State): boolean => {
  const { finalizer, phase } = state.operation;
  if (phase === Operation.gone)
    return state.nodes.every((node) => node.held === 0 || !isClaimedNode(node));
  if (phase === Operation.deleting || finalizer === 1) return false;
  const tripped = state.nodes.some(({ stage }) => stage === Stage.failed);
  return state.nodes.every((node) => {
    if (node.stage === Stage.waiting) return tripped || !isClaimedNode(node);
    return isTerminal(node.stage) && (node.stage !== Stage.completed || node.held === 0);
  });
};

/** The operator processes: an idle one decides, a pending write arrives or is lost with its process. */
const operators = (
  config: Config,
  state: State,
  view: State,
  take: ReturnType<typeof makeSteps>["take"],
): void => {
  let decisions: ReturnType<typeof decide> | undefined;
  state.slots.forEach((slot, o) => {
    if (slot.write === 0) {
      decisions ??= decide(state, view, config);
      for (const decision of decisions)
        take(
          `op${o} decides ${describeWrite(decision.write, decision.node, decision.stage ?? 0)}`,
          true,
          (to) => send(to.slot(o), decision),
        );
      return;
    }
    const what = `op${o} ${describeWrite(slot.write, slot.node, slot.stage)}`;
    take(`${what} reaches the API`, true, (to) =>
      deliver(to, to.slot(o), config.repairs, config.deadlines === true),
    );
    take(`${what} is lost`, false, (to) => forget(to.slot(o)));
  });
};

/** Deletion by the user: waits for the finalizer where there is one. */
const deletion = (state: State): void => {
  state.operation.faultsLeft--;
  state.operation.phase = state.operation.finalizer === 1 ? Operation.deleting : Operation.gone;
  for (const slot of state.slots) slot.fresh &= ~1;
};

const ignore: Emit = () => undefined;

/** Makes the model that `explore` searches. A dead host may leave its node unfinished: nothing is stuck then. */
export const makeModel = (given: Config): Model => {
  const config: Config = { ...given, faults: given.faults ?? faults };
  const make = () => new State(config.nodes, config.operators, config.faultBudget);
  const [state, next, view] = [make(), make(), make()];
  let emit: Emit = ignore;
  const { steps, take } = makeSteps(config, state, next, (label, key, eventually) =>
    emit(label, key, eventually),
  );
  const deletable = config.faults?.includes("operationDeleted") === true;
  return {
    initial: state.key(),
    violation: (key) => {
      state.load(key);
      return laws[violation(state) - 1];
    },
    expand: (key, to) => {
      emit = to;
      state.load(key);
      operators(config, state, view, take);
      const { faultsLeft, phase } = state.operation;
      if (deletable && faultsLeft > 0 && phase === Operation.live)
        take("user deletes the NodeOp", false, deletion);
      for (const step of steps) {
        world(step);
        agent(step);
      }
    },
    isDone: (key) => {
      state.load(key);
      return isDone(state);
    },
    isExcused: (key) => {
      state.load(key);
      return state.nodes.some(({ host }) => host === Host.dead);
    },
    describe: (key) => {
      state.load(key);
      return state.describe();
    },
  };
};
