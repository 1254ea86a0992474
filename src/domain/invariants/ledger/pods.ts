/** Projects commits on Pods of operations: preflight Pods, reboot Pods with their grants and records, Pods of Jobs. */
import type { Commit } from "../../history.ts";
import { controllerOf, objectKey } from "../../kube/object.ts";
import {
  ANNOTATION_REBOOT_BOOT_ID,
  ANNOTATION_REBOOT_GRANTED,
  ANNOTATION_REBOOT_STATE,
  LABEL_PREFLIGHT,
  LABEL_REBOOT,
} from "../../labels.ts";
import { isOriginal, type Ledger } from "./Ledger.ts";
import type { Moment, PodRecord } from "./records.ts";
import { annotation, asPod, type PodView } from "./view.ts";

/** Takes in a commit on a Pod; Pods of others are none of our business. */
export const projectPod = (ledger: Ledger, commit: Commit, moment: Moment): void => {
  const object = commit.after ?? commit.before;
  if (object === undefined) return;
  const known = ledger.pods.get(object.metadata.uid);
  if (commit.after === undefined) {
    if (known !== undefined) known.gone = { ...moment, actor: commit.actor };
    return;
  }
  const view = asPod(commit.after);
  const pod = known ?? register(ledger, view, commit, moment);
  if (pod === undefined) return;
  if (known === undefined) ledger.facts.push({ is: "PodCreated", pod, commit });
  projectReboot(ledger, pod, view, commit, moment);
  const outcome = view.status?.initContainerStatuses?.[0]?.state?.terminated;
  if (outcome?.exitCode === 0) {
    const message = outcome.message?.trim() ?? "";
    pod.installed = message === "" ? undefined : message;
  }
};

/** What the Pod is for, and for which operation; undefined when it belongs to none. */
const belongingOf = (
  ledger: Ledger,
  view: PodView,
): Pick<PodRecord, "role" | "operation" | "job"> | undefined => {
  const owner = controllerOf(view.metadata);
  if (owner?.kind === "Job") {
    const job = ledger.jobs.get(owner.uid);
    return job === undefined ? undefined : { role: "job", operation: job.operation, job: job.uid };
  }
  if (owner?.kind !== "NodeOp") return undefined;
  const labels = view.metadata.labels ?? {};
  const role =
    labels[LABEL_REBOOT] === "true"
      ? "reboot"
      : labels[LABEL_PREFLIGHT] === "true"
        ? "preflight"
        : "other";
  return { role, operation: owner.uid, job: undefined };
};

const register = (
  ledger: Ledger,
  view: PodView,
  { actor }: Commit,
  moment: Moment,
): PodRecord | undefined => {
  const belonging = belongingOf(ledger, view);
  if (belonging === undefined) return undefined;
  const pod: PodRecord = {
    ...belonging,
    uid: view.metadata.uid,
    name: objectKey(view.metadata),
    node: view.spec?.nodeName,
    created: moment,
    original: isOriginal(actor),
    initContainers: view.spec?.initContainers?.length ?? 0,
    containers: view.spec?.containers?.length ?? 0,
    gone: undefined,
    rebootState: undefined,
    recordedBoot: undefined,
    reported: undefined,
    grants: new Map(),
    installed: undefined,
  };
  ledger.pods.set(pod.uid, pod);
  if (belonging.job !== undefined) ledger.jobs.get(belonging.job)?.pods.push(pod);
  return pod;
};

const projectReboot = (
  ledger: Ledger,
  pod: PodRecord,
  view: PodView,
  commit: Commit,
  moment: Moment,
): void => {
  if (pod.role !== "reboot") return;
  pod.rebootState = annotation(view, ANNOTATION_REBOOT_STATE);
  if (pod.rebootState === "completed" || pod.rebootState === "failed") pod.reported ??= moment;
  pod.recordedBoot = annotation(view, ANNOTATION_REBOOT_BOOT_ID);
  const job = annotation(view, ANNOTATION_REBOOT_GRANTED);
  if (job !== undefined && job !== annotation(commit.before, ANNOTATION_REBOOT_GRANTED)) {
    if (!pod.grants.has(job)) pod.grants.set(job, moment);
    ledger.facts.push({ is: "Granted", pod, job, commit });
  }
};
