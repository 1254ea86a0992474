/** The top of the test language for histories: a node's way through an operation, stage by stage, as it should be. */
import {
  ANNOTATION_HELD_BY,
  ANNOTATION_REBOOT_BOOT_ID,
  ANNOTATION_REBOOT_GRANTED,
  ANNOTATION_REBOOT_STATE,
  LABEL_REBOOT,
} from "../../../src/domain/labels.ts";
import type { MonitorOptions } from "../../../src/domain/invariants/law.ts";
import { Cluster, NEW } from "./cluster.ts";
import type { Json, Meta, Ref, Write } from "./store.ts";

/** Everything of an operation on one node, as far as it has been made. */
export interface Work {
  readonly op: Ref;
  readonly node: string;
  rebootPod: Ref;
  job: Ref;
  jobPod: Ref;
}

/** What operator, kubelets and agents do when nothing goes wrong; tests leave the path where their law is broken. */
export class History extends Cluster {
  grant(work: Work, write: Write = {}): void {
    this.annotate(work.rebootPod, { [ANNOTATION_REBOOT_GRANTED]: work.job.uid }, write);
  }

  /** The agent's record before a reboot, or its report after one. */
  record(work: Work, state: "rebooting" | "completed" | "failed"): void {
    const boot =
      state === "rebooting" ? { [ANNOTATION_REBOOT_BOOT_ID]: this.bootID(work.node) } : {};
    this.annotate(
      work.rebootPod,
      { [ANNOTATION_REBOOT_STATE]: state, ...boot },
      { actor: `agent/${work.node}` },
    );
  }

  issue(work: Work): void {
    this.host(work.node, {
      event: "rebootIssued",
      pod: work.rebootPod.uid,
      bootID: this.bootID(work.node),
    });
  }

  /** Reboot Pod, hold and cordon, suspended Job, its uid stored, resumed. The node is claimed already. */
  prepare(op: Ref, node: string, options: { readonly cordon?: boolean } = {}): Work {
    const rebootPod = this.pod(op, node, LABEL_REBOOT);
    this.hold(op, node, options);
    const job = this.job(op, node);
    this.arm(op, node, job);
    return { op, node, rebootPod, job, jobPod: job };
  }

  arm(op: Ref, node: string, job: Ref): void {
    const entry = this.entry(op, node);
    this.status(op, { [node]: { ...entry, stage: "Upgrading", jobUID: job.uid } });
    this.suspend(job, false);
  }

  startScript(work: Work): void {
    work.jobPod = this.jobPod(work.job, work.node);
    this.host(work.node, { event: "scriptStarted", pod: work.jobPod.uid, job: work.job.uid });
  }

  endScript(work: Work, exitCode = 0): void {
    this.wait(30_000);
    this.host(work.node, {
      event: "scriptEnded",
      pod: work.jobPod.uid,
      job: work.job.uid,
      exitCode,
    });
  }

  sentinel(work: Work): void {
    this.host(work.node, {
      event: "sentinelWritten",
      job: work.job.uid,
      bootID: this.bootID(work.node),
    });
  }

  /** The script runs to its end, leaves version and sentinel, and the Job completes. */
  run(work: Work, installed: string = NEW): void {
    this.startScript(work);
    this.endScript(work);
    const terminated = { exitCode: 0, message: installed };
    const status = { phase: "Succeeded", initContainerStatuses: [{ state: { terminated } }] };
    this.sentinel(work);
    this.update(
      work.jobPod,
      { status },
      {},
      { actor: `kubelet/${work.node}`, subresource: "status" },
    );
  }

  complete(work: Work): void {
    this.condition(work.job, "SuccessCriteriaMet", "Complete");
    const entry = this.entry(work.op, work.node);
    this.status(work.op, { [work.node]: { ...entry, phase: "Completed", stage: "Rebooting" } });
  }

  /** Grant, record, reboot, report. */
  rebootNode(work: Work): void {
    this.grant(work);
    this.record(work, "rebooting");
    this.issue(work);
    this.reboots(work.node, "agent");
    this.record(work, "completed");
  }

  /** A claimed node's whole way to Completed. */
  upgradeNode(op: Ref, node: string): Work {
    const work = this.prepare(op, node);
    this.run(work);
    this.complete(work);
    this.rebootNode(work);
    this.release(node);
    this.conclude(op, node, "Completed");
    return work;
  }

  /** A claimed node whose script fails, up to the Job's Failed condition. */
  failJob(op: Ref, node: string): Work {
    const work = this.prepare(op, node);
    this.startScript(work);
    this.endScript(work, 1);
    this.condition(work.job, "FailureTarget");
    this.condition(work.job, "FailureTarget", "Failed");
    return work;
  }

  /** A claimed node whose Job fails: cancelled, released but for its cordon, Failed. */
  failNode(op: Ref, node: string, reason = "JobFailed"): Work {
    const work = this.failJob(op, node);
    this.status(op, {
      [node]: { ...this.entry(op, node), phase: "Failed", stage: "Cancelling", reason },
    });
    this.remove(work.rebootPod);
    this.annotate(this.nodeRef(node), { [ANNOTATION_HELD_BY]: null });
    this.conclude(op, node, "Failed", reason);
    return work;
  }
}

/** One Node, claimed by one operation. */
export const claimed = (
  spec: Json = {},
  options: MonitorOptions = {},
  meta: Partial<Meta> = {},
) => {
  const h = new History(options);
  h.node("a");
  const op = h.operation("up", spec, meta);
  h.claim(op, ["a"]);
  return { h, op };
};
