/**
 * Volumes leave a node with the Pods that use them, before its work begins: one that is attached to a node that reboots cannot be
 * attached elsewhere. A Job is made after the drain and resumed after that, and a reboot is granted when it has completed: what is
 * detached when the Job is made is so for all of them.
 */
import type { Commit } from "../../history.ts";
import { type DrainRules, verdictOn } from "../../drain/filter.ts";
import { attachmentNames, hasToGo, keptClaims } from "../../drain/volumes.ts";
import { claimsOf, type NodePod } from "../../kube/nodePod.ts";
import { objectKey } from "../../kube/object.ts";
import { PersistentVolumeClaims, Pods, VolumeAttachments } from "../../kube/resource.ts";
import type { VolumeAttachment } from "../../kube/volume.ts";
import type { Law } from "../law.ts";
import { drainBefore, hasOtherNode } from "../ledger/draining.ts";
import { asAttachment, asClaim, asNodePod, asPod } from "../ledger/view.ts";

/** How long the operator may still count on a Pod that has ended by itself. */
const NOTICED_MILLIS = 1000;

/** A Pod with claims, on its node until `until` (milliseconds of the cluster's clock). */
interface User {
  readonly node: string;
  readonly pod: NodePod;
  readonly until: number;
}

/** All volumes of a history: who uses them, and where they are attached since when. */
class Volumes {
  /** By uid. */
  readonly #attachments = new Map<string, VolumeAttachment & { readonly since: number }>();
  readonly #users = new Map<string, User>();
  /** The PersistentVolumes of claims, by key. */
  readonly #volumes = new Map<string, string>();

  take({ at, resource, before, after }: Commit): void {
    const object = after ?? before;
    if (object === undefined) return;
    const { uid } = object.metadata;
    switch (resource.kind) {
      case VolumeAttachments.kind: {
        const since = this.#attachments.get(uid)?.since ?? at;
        if (after === undefined) this.#attachments.delete(uid);
        else this.#attachments.set(uid, { ...asAttachment(after), since });
        return;
      }
      case PersistentVolumeClaims.kind: {
        const volume = after === undefined ? undefined : asClaim(after).spec?.volumeName;
        if (volume !== undefined) this.#volumes.set(objectKey(object.metadata), volume);
        return;
      }
      case Pods.kind: {
        const pod = asNodePod(object);
        const node = asPod(object).spec?.nodeName;
        if (node === undefined || claimsOf(pod).length === 0) return;
        const user = this.#users.get(uid);
        const ended = after === undefined || keptClaims([pod]).length === 0;
        if (!ended) this.#users.set(uid, { node, pod, until: Number.POSITIVE_INFINITY });
        else if (user !== undefined)
          this.#users.set(uid, { ...user, until: Math.min(user.until, at) });
      }
    }
  }

  /**
   * What is attached to the node since before `heldAt` and is of no Pod that is there, or stayed there until `justNow`. Whether
   * a Pod may still be there is another law's business.
   */
  left(
    node: string,
    rules: DrainRules,
    { heldAt, justNow }: { readonly heldAt: number; readonly justNow: number },
  ): ReadonlyArray<VolumeAttachment> {
    const present = [...this.#users.values()].filter(
      (user) =>
        user.node === node &&
        (user.until === Number.POSITIVE_INFINITY ||
          (user.until >= justNow && verdictOn(user.pod, rules)._tag === "Stay")),
    );
    const claims = keptClaims(present.map(({ pod }) => pod));
    const kept = new Set(claims.flatMap((claim) => this.#volumes.get(objectKey(claim)) ?? []));
    return [...this.#attachments.values()].filter(
      (one) => one.since < heldAt && hasToGo(one, node, kept),
    );
  }
}

export const detachedFirst: Law = {
  law: "DetachedFirst",
  says: "A node's Job is created only when no VolumeAttachment is left of those that were there when it was cordoned, but those of Pods that stay.",
  monitor: ({ ledger, options, report }) => {
    const volumes = new Volumes();
    return {
      Committed: ({ commit }) => volumes.take(commit),
      JobCreated: ({ job, commit }) => {
        const drain = drainBefore(ledger, job);
        if (drain === undefined) return;
        const { node, heldAt, rules } = drain;
        // One that takes any Pod: else the drain of an upgrade may have been left out.
        if (!hasOtherNode(ledger, drain, [[]])) return;
        const justNow = commit.at - NOTICED_MILLIS - options.lagMillis;
        const left = volumes.left(node.name, rules, { heldAt, justNow });
        if (left.length > 0)
          report(
            `Job ${job.name} was created for node ${node.name} while volumes of Pods that have left it were attached: ${attachmentNames(left)}`,
          );
      },
    };
  },
};
