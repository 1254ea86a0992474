/** What is measured: memory and processor time of processes, and requests by the audit log. */
import { readFileSync } from "node:fs";
import process from "node:process";
import { type AuditEvent, isDryRun } from "../../test/e2e/support/AuditTail.ts";
import { OPERATOR_ACCOUNT, OPERATOR_NAMESPACE } from "../../test/e2e/support/E2e.ts";
import type { OperatorProcess } from "../../test/e2e/support/OperatorProcess.ts";
import type { Bench } from "./bench.ts";

export const OPERATOR = `system:serviceaccount:${OPERATOR_NAMESPACE}:${OPERATOR_ACCOUNT}`;

const statusMegabytes = (pid: number, field: RegExp): number =>
  Math.round(Number(field.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024);

/** What a process has in memory now, in MB. */
export const residentMegabytes = (pid: number): number =>
  statusMegabytes(pid, /^VmRSS:\s+(\d+) kB$/mu);

/** The most that it ever had. */
export const peakMegabytes = (pid: number): number => statusMegabytes(pid, /^VmHWM:\s+(\d+) kB$/mu);

const TICKS_PER_SECOND = 100;

/** User and system time that a process has used so far, in seconds. */
const cpuSeconds = (pid: number): number => {
  const [, after = ""] =
    /^\d+ \(.*\) (.*)$/su.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
  const fields = after.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};

/** Who has used the processors of this machine, in seconds: all of it is one. */
export const cpuOf = ({ controlPlane }: Bench, operator: OperatorProcess) => {
  const { etcd, apiServer, controllerManager } = controlPlane;
  const pids = {
    operator: operator.pid,
    etcd: etcd.pid,
    apiServer: apiServer.pid,
    controllerManager: controllerManager?.pid ?? 0,
    machines: process.pid,
  };
  return Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => [name, pid === 0 ? 0 : cpuSeconds(pid)]),
  );
};

const isWrite = ({ verb }: AuditEvent): boolean => !["get", "list", "watch"].includes(verb);

/** The writes that count: not Events, Leases, evictions; nor dry runs, which store nothing. */
export const writesOf = (events: ReadonlyArray<AuditEvent>): ReadonlyArray<AuditEvent> =>
  events.filter(
    (event) =>
      event.user.username === OPERATOR &&
      isWrite(event) &&
      !["events", "leases"].includes(event.objectRef?.resource ?? "") &&
      event.objectRef?.subresource !== "eviction" &&
      !isDryRun(event),
  );

/** How many there are of each kind, the most frequent first. */
export const countsOf = <A>(
  all: ReadonlyArray<A>,
  kind: (one: A) => string,
): Record<string, number> => {
  const counts = Object.entries(Object.groupBy(all, kind)).map(
    ([name, same]) => [name, same?.length ?? 0] as const,
  );
  return Object.fromEntries(counts.toSorted(([, a], [, b]) => b - a));
};
