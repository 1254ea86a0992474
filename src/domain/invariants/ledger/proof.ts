/** When a reboot is proved in fact: the host booted the installed version after the script's success, and its Node was Ready. */
import type { Ledger } from "./Ledger.ts";
import type { Boot, Claim, NodeRecord } from "./records.ts";

/** The version that the claim's Job installed, as its Pods told; undefined where they told none. */
export const installedVersion = (ledger: Ledger, claim: Claim): string | undefined =>
  ledger.jobs.get(claim.jobUID ?? "")?.pods.find((pod) => pod.installed !== undefined)?.installed;

/** Whether a host runs what was installed. A host that does not tell its boot state or version is not held against the node. */
export const runsInstalled = (boot: Boot, installed: string | undefined): boolean =>
  (boot.bootState === "active" || boot.bootState === "unknown") &&
  (installed === undefined || boot.version === "" || boot.version === installed);

/**
 * Notes for every claim on this Ready node whether the boot that the Node shows is the proof. The boot has to come after
 * the script's end, not after the Job's Complete condition: a power loss in between activates the new version as well.
 */
export const proveReboot = (ledger: Ledger, node: NodeRecord): void => {
  const host = ledger.hosts.get(node.name);
  const boot = host?.boot;
  if (host === undefined || boot === undefined) return;
  if (node.bootID !== undefined && node.bootID !== boot.bootID) return;
  for (const operation of ledger.live) {
    if (!operation.inFlight.has(node.name)) continue;
    const claim = operation.claims.get(node.name);
    if (claim?.jobUID === undefined || claim.proof === boot) continue;
    const ended = ledger.scripts.get(claim.jobUID)?.ended;
    if (ended === undefined || ended.exitCode !== 0 || host.boots <= ended.boots) continue;
    if (runsInstalled(boot, installedVersion(ledger, claim))) claim.proof = boot;
  }
};
