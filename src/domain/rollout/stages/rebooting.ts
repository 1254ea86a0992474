/** Stage Rebooting: grant, reboot, proof (design.md §4 "reboot", "verify"). Until it reports, a lost reboot Pod is made and granted again. */
import { bootIDOf, isReady } from "../../kube/node.ts";
import { isTerminal, isTerminating } from "../../kube/pod.ts";
import { act, advance, confirm, wait, type Step } from "../decision.ts";
import { endEarly } from "../entry.ts";
import { isLive, type NodeInFlight } from "../observed.ts";
import { grantOf, rebootStateOf, type RebootReport } from "../report.ts";
import { completed } from "./releasing.ts";
import { rebootPodAgain } from "./preparing.ts";
import { versionOf } from "./actions.ts";

export const rebooting = (at: NodeInFlight): Step => {
  const pod = at.children.rebootPod;
  if (pod === undefined) return rebootPodAgain(at, pod);
  const state = rebootStateOf(pod);
  if (state._tag === "Completed") return verify(at, state.report);
  if (state._tag === "Failed")
    return advance(
      endEarly(at, {
        reason: "RebootFailed",
        message: `Reboot failed: ${state.message}`,
        mayReboot: true,
      }),
    );
  if (isTerminating(pod) || isTerminal(pod)) return rebootPodAgain(at, pod);
  const { jobUID } = at.entry;
  if (jobUID !== undefined && grantOf(pod) !== jobUID)
    return act(
      { reason: "Reboot", message: `the reboot is being granted to Pod ${pod.metadata.name}` },
      { _tag: "Grant", node: at.name, pod: versionOf(pod), job: jobUID },
    );
  return wait(
    state._tag === "Rebooting"
      ? {
          reason: "Reboot",
          message: `rebooting, attempt ${state.attempt}: waits for a new boot id and Ready`,
        }
      : { reason: "Reboot", message: "granted: waits for the agent to see the sentinel" },
  );
};

/** The report counts together with the Node, read live, Ready in another boot in that same object. */
const verify = (at: NodeInFlight, report: RebootReport): Step => {
  const { node } = at;
  const isBack = node !== undefined && isReady(node) && bootIDOf(node) !== report.from;
  if (!isBack)
    return wait({
      reason: "Reboot",
      message: "rebooted: waits for its kubelet to report the new boot Ready",
    });
  if (!isLive(at.observed, { _tag: "Node", node: at.name }))
    return confirm(
      { reason: "Reboot", message: "the reboot is being confirmed" },
      { _tag: "Node", node: at.name },
    );
  const fallback = fellBack(report, at.entry.version);
  return fallback === undefined
    ? completed(at, "Job and reboot completed successfully")
    : advance(endEarly(at, { reason: "FellBack", message: fallback, mayReboot: false }));
};

/**
 * Why the boot is not the one that was installed: a fallback system, or another version than the Job installed. A
 * version that cannot be read is no proof. Where the Job installed no known version (a command of the user's), only the
 * fallback counts.
 */
export const fellBack = (
  report: RebootReport,
  installed: string | undefined,
): string | undefined => {
  if (report.bootState === "passive" || report.bootState === "recovery")
    return `the node fell back: it booted its ${report.bootState} system${report.version === undefined ? "" : ` (${report.version})`}`;
  if (installed === undefined || report.version === installed) return undefined;
  return `the node runs ${report.version ?? "an unknown version"} after the reboot, not ${installed} that its Job installed`;
};
