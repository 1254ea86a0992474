/** The laws of the garbage collector, semantics (c)12 of reliability.md. */
import { describe, expect, it } from "@effect/vitest";
import type { KubeObject, NewKubeObject, OwnerReference } from "../../../src/domain/kube/object.ts";
import { Jobs, Pods, ServiceAccounts } from "../../../src/domain/kube/resource.ts";
import { NAMESPACE, type Town, town } from "./support/cluster.ts";
import { newJob } from "./support/objects.ts";

const account = (name: string, owners: ReadonlyArray<OwnerReference> = []): NewKubeObject => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name, namespace: NAMESPACE, ownerReferences: owners },
});

const ownedBy = (owner: KubeObject, blockOwnerDeletion = false): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  blockOwnerDeletion,
});

const exists = ({ fake }: Town, name: string) =>
  fake.object(ServiceAccounts, { namespace: NAMESPACE, name }) !== undefined;
const removedAt = ({ commits }: Town, name: string) =>
  commits.find(
    (commit) => commit.name === name && commit.verb !== "create" && commit.after === undefined,
  )?.rv;

/** A suspended Job as the owner: it has no Pods of its own. */
const owner = (at: Town, name = "owner") => at.create(Jobs, newJob(name, { suspend: true }));

describe("garbage collector", () => {
  it("Background: the owner goes at once, its dependents some while later", () => {
    const at = town();
    at.create(ServiceAccounts, account("child", [ownedBy(owner(at), true)]));
    at.pass(60);
    expect(exists(at, "child")).toBe(true);
    at.remove(Jobs, "owner");
    expect(at.job("owner")).toBeUndefined();
    expect(exists(at, "child")).toBe(true);
    at.until("the child is gone", () => !exists(at, "child"), 5);
    expect(at.commits.find(({ rv }) => rv === removedAt(at, "child"))?.actor).toBe(
      "garbage-collector",
    );
  });

  it("Foreground: dependents that block go before their owner", () => {
    const at = town();
    at.create(ServiceAccounts, account("child", [ownedBy(owner(at), true)]));
    at.remove(Jobs, "owner", { propagationPolicy: "Foreground" });
    expect(at.job("owner")?.metadata.finalizers).toContain("foregroundDeletion");
    at.until("both are gone", () => at.job("owner") === undefined && !exists(at, "child"), 30);
    expect(removedAt(at, "child")).toBeLessThan(removedAt(at, "owner") ?? 0);
  });

  it("Foreground: a dependent that does not block goes too, but nobody waits for it", () => {
    const at = town();
    const child = account("child", [ownedBy(owner(at))]);
    at.create(ServiceAccounts, {
      ...child,
      metadata: { ...child.metadata, finalizers: ["example.com/slow"] },
    });
    at.remove(Jobs, "owner", { propagationPolicy: "Foreground" });
    at.until("the owner is gone", () => at.job("owner") === undefined, 30);
    at.pass(30);
    const left = at.fake.object(ServiceAccounts, { namespace: NAMESPACE, name: "child" });
    expect(left?.metadata.deletionTimestamp).toBeDefined();
  });

  it("Orphan: dependents stay and forget their owner", () => {
    const at = town();
    at.create(ServiceAccounts, account("child", [ownedBy(owner(at), true)]));
    at.remove(Jobs, "owner", { propagationPolicy: "Orphan" });
    at.until("the owner is gone", () => at.job("owner") === undefined, 30);
    at.pass(600);
    const child = at.fake.object(ServiceAccounts, { namespace: NAMESPACE, name: "child" });
    expect(child?.metadata.ownerReferences ?? []).toEqual([]);
    expect(child?.metadata.deletionTimestamp).toBeUndefined();
  });

  it("an object goes only when all its owners are absent; it forgets those that are", () => {
    const at = town();
    const first = owner(at, "first");
    const second = owner(at, "second");
    at.create(ServiceAccounts, account("child", [ownedBy(first), ownedBy(second)]));
    at.remove(Jobs, "first");
    at.pass(60);
    const child = at.fake.object(ServiceAccounts, { namespace: NAMESPACE, name: "child" });
    expect(child?.metadata.ownerReferences?.map(({ name }) => name)).toEqual(["second"]);
    at.remove(Jobs, "second");
    at.until("the child is gone", () => !exists(at, "child"), 10);
  });

  it("an owner is its uid: a new object of the old name keeps nothing alive", () => {
    const at = town();
    const old = owner(at);
    at.remove(Jobs, "owner");
    at.pass(10);
    owner(at);
    at.create(ServiceAccounts, account("child", [ownedBy(old)]));
    at.until("the child is gone", () => !exists(at, "child"), 10);
    expect(at.job("owner")).toBeDefined();
  });

  it("an owner of a kind that is not watched is never taken for absent", () => {
    const at = town();
    const stranger = { apiVersion: "apps/v1", kind: "DaemonSet", name: "x", uid: "not-known" };
    at.create(ServiceAccounts, account("child", [stranger]));
    at.pass(3600);
    expect(exists(at, "child")).toBe(true);
  });

  it("a collector that was off when the owner went finds out when it is back", () => {
    const at = town();
    at.create(ServiceAccounts, account("child", [ownedBy(owner(at))]));
    at.pass(10);
    at.cluster.garbageCollector.stop();
    at.remove(Jobs, "owner");
    at.pass(3600);
    expect(exists(at, "child")).toBe(true);
    at.cluster.garbageCollector.start();
    at.until("the child is gone", () => !exists(at, "child"), 10);
  });

  it("Foreground goes down the whole tree: Pods before their Job, the Job before its owner", () => {
    const at = town({ behaviour: { script: "hangs" } });
    const root = owner(at, "root");
    const job = newJob("middle");
    at.create(Jobs, {
      ...job,
      metadata: { ...job.metadata, ownerReferences: [ownedBy(root, true)] },
    });
    at.until("it runs", () => at.pods()[0]?.status?.phase === "Running");
    const pod = at.pods()[0]?.metadata.name ?? "";
    at.remove(Jobs, "root", { propagationPolicy: "Foreground" });
    at.until("all are gone", () => at.job("root") === undefined && at.pods().length === 0, 120);
    const order = [removedAt(at, pod), removedAt(at, "middle"), removedAt(at, "root")];
    expect(order).toEqual(order.toSorted((a, b) => (a ?? 0) - (b ?? 0)));
    expect(at.fake.object(Pods, { namespace: NAMESPACE, name: pod })).toBeUndefined();
  });
});
