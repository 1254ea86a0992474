/** Projects host events: scripts, sentinels, reboots and boots, with what the commit log knows about their Pods and Jobs. */
import type { HostEvent } from "../../history.ts";
import type { Ledger } from "./Ledger.ts";
import type { HostRecord, Moment } from "./records.ts";

/** Takes in a host event. */
export const projectHostEvent = (ledger: Ledger, event: HostEvent, moment: Moment): void => {
  const host = record(ledger, event.node);
  switch (event.event) {
    case "scriptStarted": {
      ledger.script(event.job).starts++;
      host.scripts.set(event.pod, {
        job: event.job,
        operation: ledger.jobs.get(event.job)?.operation,
      });
      countWork(ledger, host);
      ledger.facts.push({ is: "ScriptStarted", event, host });
      break;
    }
    case "scriptEnded": {
      const { exitCode } = event;
      ledger.script(event.job).ended = { ...moment, exitCode, boots: host.boots };
      host.scripts.delete(event.pod);
      countWork(ledger, host);
      break;
    }
    case "sentinelWritten": {
      const script = ledger.script(event.job);
      script.sentinel = { ...moment, node: event.node, bootID: event.bootID };
      ledger.facts.push({ is: "SentinelWritten", event, host, script });
      break;
    }
    case "rebootIssued":
      projectRebootIssued(ledger, host, event, moment);
      break;
    case "wentDown":
      host.down = true;
      host.scripts.clear();
      countWork(ledger, host);
      ledger.facts.push({ is: "WentDown", event, host, reboot: host.reboot });
      break;
    case "booted": {
      const { bootID, bootState, version } = event;
      host.down = false;
      host.boots++;
      host.boot = { ...moment, bootID, bootState, version };
      host.reboot = undefined;
      host.scripts.clear();
      countWork(ledger, host);
      break;
    }
  }
};

const record = (ledger: Ledger, name: string): HostRecord => {
  let host = ledger.hosts.get(name);
  if (host === undefined) {
    host = {
      name,
      boots: 0,
      boot: undefined,
      down: false,
      scripts: new Map(),
      reboot: undefined,
    };
    ledger.hosts.set(name, host);
  }
  return host;
};

const projectRebootIssued = (
  ledger: Ledger,
  host: HostRecord,
  event: Extract<HostEvent, { readonly event: "rebootIssued" }>,
  moment: Moment,
): void => {
  const pod = ledger.pods.get(event.pod);
  const operation = pod === undefined ? undefined : ledger.operations.get(pod.operation);
  host.reboot = {
    ...moment,
    pod: event.pod,
    operation: operation?.uid,
    bootID: event.bootID,
  };
  countWork(ledger, host);
  const claim = operation?.claims.get(event.node);
  ledger.facts.push({ is: "RebootIssued", event, host, pod, operation, claim });
};

/** Keeps each operation's set of nodes that work for it; a host works for very few operations. */
const countWork = (ledger: Ledger, host: HostRecord): void => {
  for (const operation of ledger.operations.values()) operation.working.delete(host.name);
  for (const script of host.scripts.values())
    ledger.operations.get(script.operation ?? "")?.working.add(host.name);
  ledger.operations.get(host.reboot?.operation ?? "")?.working.add(host.name);
};
