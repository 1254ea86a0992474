/** What is wrong with the faults of a simulation as a whole: nodes that are not there, and faults that exclude each other. */
import { describeFault, type Fault, type NodeCondition } from "./fault.ts";
import { nearest } from "./nearest.ts";
import type { SimulationOptions } from "./options.ts";
import { simulatedNodes } from "./scenario.ts";

const NODES_LISTED_MAX = 8;

const withoutNumbers = (name: string): string => name.replaceAll(/\d/gu, "");

/** The node that was meant, where only letters are wrong, or which there are: nobody knows which number was meant. */
const orWhich = (name: string, known: ReadonlySet<string>): string => {
  const meant = nearest(name, known);
  if (meant !== undefined && withoutNumbers(meant) !== withoutNumbers(name))
    return `; did you mean ${meant}?`;
  const listed = [...known].slice(0, NODES_LISTED_MAX).join(", ");
  return `; there are ${listed}${known.size > NODES_LISTED_MAX ? ", …" : ""}`;
};

/** What is wrong with the node that the operator is to run on. */
export const operatorNodeProblem = (options: SimulationOptions): string | undefined => {
  const { operatorNode } = options;
  if (operatorNode === undefined) return undefined;
  const known = new Set(simulatedNodes(options).map(({ name }) => name));
  return known.has(operatorNode)
    ? undefined
    : `there is no node ${operatorNode}${orWhich(operatorNode, known)}`;
};

/** A sentence for each fault that cannot be simulated with these options. */
export const faultProblems = (options: SimulationOptions): ReadonlyArray<string> => {
  const faults = options.faults ?? [];
  if (faults.length === 0) return [];
  const known = new Set(simulatedNodes(options).map(({ name }) => name));
  const unknown = faults.flatMap((fault) =>
    "node" in fault && !known.has(fault.node)
      ? [`${describeFault(fault)}: there is no node ${fault.node}${orWhich(fault.node, known)}`]
      : [],
  );
  return [...unknown, ...faultConflicts(faults)];
};

/**
 * What two faults must not both be given for: what is wrong with one thing of a node, one call of the operator, or
 * two absences of the same one.
 */
const subjectOf = (fault: Fault): string => {
  switch (fault._tag) {
    case "Condition":
      return `${fault.node} ${CONDITION_SUBJECTS[fault.kind]}`;
    case "SlowReboot":
      return `${fault.node} reboot time`;
    case "Operator":
      return `operator call ${fault.call}`;
    case "Event":
    case "OperationDeleted":
      return describeFault(fault);
    case "Away":
      return `${fault.who} away`;
    case "KubeletAway":
      return `${fault.node} kubelet away`;
  }
};

const CONDITION_SUBJECTS: Readonly<Record<NodeCondition, string>> = {
  "script-fails": "script",
  "script-hangs": "script",
  "image-pull-fails": "pull",
  "pods-refused": "admission",
  "preflight-skips": "preflight",
  "preflight-fails": "preflight",
  "never-returns": "reboot",
  "falls-back": "reboot",
  "reboot-silently-fails": "reboot",
  "not-ready": "readiness",
  "volumes-stay": "volumes",
};

/** A sentence for each fault that is given twice, or that cannot be beside an earlier one. */
const faultConflicts = (faults: ReadonlyArray<Fault>): ReadonlyArray<string> => {
  const first = new Map<string, string>();
  return faults.flatMap((fault) => {
    const subject = subjectOf(fault);
    const [earlier, text] = [first.get(subject), describeFault(fault)];
    if (earlier === undefined) {
      first.set(subject, text);
      return [];
    }
    return [
      earlier === text
        ? `${text}: is given twice; leave one out`
        : `${text}: cannot be beside ${earlier}; leave one of them out`,
    ];
  });
};
