/** Stage Claimed: the preflight Pod finds out whether the node needs anything (kairos.md a7 "Preflight Pod"). */
import {
  isTerminating,
  kubeletRefusal,
  startProblem,
  terminationOf,
  wasRefusedByKubelet,
} from "../../kube/pod.ts";
import type { Pod } from "../../kube/pod.ts";
import { PREFLIGHT_CONTAINER, preflightPod } from "../children.ts";
import { act, advance, wait, type Step } from "../decision.ts";
import { endEarly, moveTo } from "../entry.ts";
import type { NodeInFlight } from "../observed.ts";
import { SKIPPED } from "../reason.ts";
import { deletePod } from "./actions.ts";

export const claimed = (at: NodeInFlight): Step => {
  const pod = at.children.preflightPod;
  if (pod === undefined) return createPreflightPod(at);
  if (pod.status?.phase === "Succeeded") return onSuccess(at, pod);
  if (isTerminating(pod))
    return waiting(`Pod ${pod.metadata.name} is being deleted before it told anything`);
  if (wasRefusedByKubelet(pod))
    return act(
      {
        reason: "PodRefused",
        message: `${kubeletRefusal(pod)}; it is made again`,
        problem: true,
      },
      deletePod(at.name, pod),
    );
  if (pod.status?.phase === "Failed")
    return advance(
      endEarly(at, {
        reason: "PreflightFailed",
        message: `Preflight failed: ${verdictOf(pod)}${lastProblem(at)}`,
        mayReboot: false,
      }),
    );
  const problem = startProblem(pod);
  return problem === undefined
    ? waiting(`preflight Pod ${pod.metadata.name} runs`)
    : wait({
        ...problem,
        message: `preflight Pod ${pod.metadata.name}: ${problem.message}`,
        problem: true,
      });
};

const createPreflightPod = (at: NodeInFlight): Step => {
  const object =
    at.node === undefined
      ? undefined
      : preflightPod({
          operation: at.operation,
          node: at.node,
          settings: at.observed.settings,
        });
  // The preflight may have been taken out of the operation's spec since the claim: then there is nothing to find out.
  return object === undefined
    ? advance(moveTo(at, "Preparing", { phase: "Pending" }))
    : act(
        { reason: "Preflight", message: "its preflight Pod is being created" },
        { _tag: "CreatePreflightPod", node: at.name, object },
      );
};

/** An empty termination message starts the work; any text is why the node is skipped. */
const onSuccess = (at: NodeInFlight, pod: Pod): Step => {
  const said = terminationOf(pod, PREFLIGHT_CONTAINER)?.message?.trim() ?? "";
  return advance(
    said === ""
      ? moveTo(at, "Preparing", { phase: "Pending" })
      : {
          ...moveTo(at, "Releasing", {
            phase: "Completed",
            message: `Skipped by preflight: ${said}`,
            rebootStatus: "not-requested",
          }),
          reason: SKIPPED,
        },
  );
};

/** What was wrong before it ran out of time, an image that could not be pulled for example. */
const lastProblem = ({ entry }: NodeInFlight): string =>
  entry.reason === undefined ? "" : `; last: ${entry.message ?? entry.reason}`;

const verdictOf = (pod: Pod): string => {
  const end = terminationOf(pod, PREFLIGHT_CONTAINER);
  if (pod.status?.reason !== undefined) return pod.status.reason;
  if (end === undefined) return "container did not report a terminated state";
  return end.reason !== undefined && end.reason !== "Error" ? end.reason : `exit ${end.exitCode}`;
};

const waiting = (message: string): Step => wait({ reason: "Preflight", message });
