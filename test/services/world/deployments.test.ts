/** Deployments in a simulated cluster: a rollout keeps what it promises, and ends. */
import { describe, expect, it } from "@effect/vitest";
import type { NewKubeObject } from "../../../src/domain/kube/object.ts";
import { Deployments, Pods, ReplicaSets } from "../../../src/domain/kube/resource.ts";
import {
  isActive,
  isPod,
  isPodReady,
  isTerminalPhase,
  type Pod,
} from "../../../src/services/world/pod.ts";
import { isWorkload } from "../../../src/services/world/workload.ts";
import { NAMESPACE, town, type Town } from "./support/cluster.ts";
import { SERVER } from "./support/objects.ts";

const labels = { app: "a" };

const template = (version: string) => ({
  metadata: { labels: { ...labels, version } },
  spec: { containers: [SERVER] },
});

const deployment = (replicas: number, spec: object = {}): NewKubeObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "a", namespace: NAMESPACE },
  spec: { replicas, selector: { matchLabels: labels }, template: template("1"), ...spec },
});

const active = (at: Town): ReadonlyArray<Pod> => at.pods().filter(isActive);
const ready = (at: Town) => active(at).filter(isPodReady);
const versions = (pods: ReadonlyArray<Pod>) =>
  [...new Set(pods.map(({ metadata }) => String(metadata.labels?.["version"])))].toSorted();

const conditionOf = (at: Town, type: string) => {
  const found = at.fake.object(Deployments, { namespace: NAMESPACE, name: "a" })?.["status"];
  const { conditions = [] } = (found ?? {}) as {
    conditions?: ReadonlyArray<{ type: string; status: string; reason: string }>;
  };
  return conditions.find((one) => one.type === type);
};

const isDone = (at: Town) => conditionOf(at, "Progressing")?.reason === "NewReplicaSetAvailable";

const rolledOut = (replicas: number, spec: object = {}): Town => {
  const at = town({ workers: 2, workloads: true });
  at.create(Deployments, deployment(replicas, spec));
  at.until("it is rolled out", () => isDone(at) && ready(at).length === replicas, 300);
  return at;
};

/** What the ReplicaSets are to have. */
const replicas = (at: Town): ReadonlyArray<number> =>
  [...at.fake.objects(ReplicaSets)].filter(isWorkload).map(({ spec }) => spec.replicas);

/** The least Pods that were ready, and the most that ReplicaSets were to have, in any moment until the rollout has ended. */
const rollOut = (at: Town) => {
  const seen = { least: Infinity, most: 0, mixed: false };
  at.fake.onCommit(({ resource }) => {
    if (resource.plural !== Pods.plural) return;
    const pods = [...at.fake.objects(Pods)].filter(isPod);
    seen.least = Math.min(
      seen.least,
      pods.filter((pod) => isActive(pod) && isPodReady(pod)).length,
    );
    seen.most = Math.max(
      seen.most,
      replicas(at).reduce((sum, count) => sum + count, 0),
    );
    seen.mixed ||=
      versions(pods.filter(({ status }) => !isTerminalPhase(status?.phase))).length > 1;
  });
  at.patch(Deployments, "a", { spec: { template: template("2") } });
  at.until("it has begun", () => !isDone(at), 10);
  at.until("it is rolled out", () => isDone(at), 900);
  return seen;
};

describe("a rollout", () => {
  it.each([
    ["25% of 4, as by default", 4, {}, { least: 3, most: 5 }],
    ["no Pod missing", 3, { maxSurge: 1, maxUnavailable: 0 }, { least: 3, most: 4 }],
    ["no Pod more", 3, { maxSurge: 0, maxUnavailable: 1 }, { least: 2, most: 3 }],
    [
      "percents that come to nothing",
      1,
      { maxSurge: "0%", maxUnavailable: "10%" },
      { least: 0, most: 1 },
    ],
  ])("keeps to its surge and its availability: %s", (_what, count, rollingUpdate, bounds) => {
    const at = rolledOut(count, { strategy: { rollingUpdate } });
    expect(rollOut(at)).toMatchObject(bounds);
    expect([active(at).length, versions(active(at))]).toEqual([count, ["2"]]);
    expect(new Set(replicas(at))).toEqual(new Set([0, count]));
  });

  it("by Recreate never has Pods of two versions", () => {
    const at = rolledOut(3, { strategy: { type: "Recreate" } });
    expect(rollOut(at)).toMatchObject({ mixed: false, least: 0, most: 3 });
    expect(versions(active(at))).toEqual(["2"]);
  });

  it("that does not move for as long as its deadline says so", () => {
    const at = rolledOut(2, { progressDeadlineSeconds: 60 });
    const spec = { containers: [SERVER], nodeSelector: { no: "where" } };
    at.patch(Deployments, "a", { spec: { template: { ...template("2"), spec } } });
    at.until("it is told", () => conditionOf(at, "Progressing")?.status === "False", 120);
    expect(conditionOf(at, "Progressing")?.reason).toBe("ProgressDeadlineExceeded");
    expect([ready(at).length, conditionOf(at, "Available")?.status]).toEqual([2, "True"]);
  });
});

it("a Deployment that is deleted takes its ReplicaSets and Pods with it", () => {
  const at = rolledOut(2);
  at.remove(Deployments, "a");
  at.until("they are gone", () => at.pods().length === 0, 300);
  expect([...at.fake.objects(ReplicaSets)]).toEqual([]);
});
