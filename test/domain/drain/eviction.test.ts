/** What the answers of the Eviction API mean, and what is remembered of them. */
import { describe, expect, it } from "@effect/vitest";
import { blockers } from "../../../src/domain/drain/blockers.ts";
import { refusedEviction, type Delay } from "../../../src/domain/drain/eviction.ts";
import { planDrain } from "../../../src/domain/drain/filter.ts";
import {
  blockedNamespaces,
  type DrainProgress,
  evicted,
  gone,
  isDelayed,
  looked,
  nextLookAt,
  putOff,
} from "../../../src/domain/drain/progress.ts";
import { kubeTime } from "../../../src/domain/kube/object.ts";
import { budget, nodePod } from "./support.ts";

const BUDGET = [{ reason: "DisruptionBudget" }];
const TERMINATING = [{ reason: "NamespaceTerminating" }];
const SEVERAL =
  "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";

describe("an eviction that was refused", () => {
  it.each([
    ["404: it is gone", { _tag: "NotFound" }, "Gone", undefined],
    ["409: another Pod of that name", { _tag: "Conflict" }, "Changed", 1000],
    ["429 of a budget", { _tag: "TooManyRequests", causes: BUDGET }, "Budget", 5000],
    ["429 of a busy server", { _tag: "TooManyRequests", causes: [] }, "Throttled", 1000],
    [
      "429 that says for how long",
      { _tag: "TooManyRequests", causes: [], retryAfterSeconds: 30 },
      "Throttled",
      30_000,
    ],
    ["500 of two budgets", { _tag: "Unavailable", code: 500, detail: SEVERAL }, "Budget", 5000],
    ["500 of anything else", { _tag: "Unavailable", code: 500 }, undefined, undefined],
    ["503", { _tag: "Unavailable", code: 503, detail: SEVERAL }, undefined, undefined],
    [
      "403 where the namespace is being deleted",
      { _tag: "Forbidden", causes: TERMINATING },
      "NamespaceTerminating",
      5000,
    ],
    ["403 of RBAC", { _tag: "Forbidden", causes: [] }, undefined, undefined],
    ["no answer", { _tag: "Unreachable" }, undefined, undefined],
  ])("%s", (_what, error, meaning, afterMillis) => {
    const answer = refusedEviction({ detail: "", ...error });
    expect(answer?._tag === "Delayed" ? answer.why : answer?._tag).toBe(meaning);
    expect(answer?._tag === "Delayed" ? answer.afterMillis : undefined).toBe(afterMillis);
  });
});

const NOW = Date.UTC(2026, 0, 1);
const REFUSED: Delay = {
  _tag: "Delayed",
  why: "Budget",
  detail: "Cannot evict pod as it would violate the pod's disruption budget.",
  afterMillis: 5000,
};

/** The first look at these Pods. */
const look = (...pods: ReadonlyArray<ReturnType<typeof nodePod>>): DrainProgress =>
  looked(undefined, { pods, budgets: [] }, NOW);

describe("the progress of a drain", () => {
  it("is looked at ever more rarely, every 10 s in the end", () => {
    let progress = look(nodePod("a"));
    const gaps = [progress.nextLookAt - NOW];
    for (let count = 0; count < 6; count++) {
      const at = progress.nextLookAt;
      progress = looked(progress, progress, at);
      gaps.push(progress.nextLookAt - at);
    }
    expect(gaps).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  });

  it("tries a refused eviction again when it is due, also before the next look", () => {
    const pod = nodePod("a");
    const late = looked({ ...look(pod), looks: 9 }, { pods: [pod], budgets: [] }, NOW);
    const progress = putOff(late, "a-uid", REFUSED, NOW);
    expect(nextLookAt(progress)).toBe(NOW + 5000);
    expect(isDelayed(progress, pod, NOW + 4999)).toBe(true);
    expect(isDelayed(progress, pod, NOW + 5000)).toBe(false);
  });

  it("remembers since when an eviction is refused, until it succeeds or the Pod is gone", () => {
    const once = putOff(look(nodePod("a")), "a-uid", REFUSED, NOW);
    const twice = putOff(once, "a-uid", REFUSED, NOW + 5000);
    expect(twice.delayed.get("a-uid")).toMatchObject({ since: NOW, retryAt: NOW + 10_000 });
    expect(evicted(twice, "a-uid", NOW).delayed.size).toBe(0);
    expect(gone(twice, "a-uid")).toMatchObject({ pods: [], delayed: new Map() });
    expect(looked(twice, { pods: [], budgets: [] }, NOW).delayed.size).toBe(0);
  });

  it("takes an evicted Pod for one on its way out", () => {
    const [pod] = evicted(look(nodePod("a")), "a-uid", NOW).pods;
    expect(pod?.metadata.deletionTimestamp).toBe("2026-01-01T00:00:00Z");
  });
});

const blockersOf = (progress: DrainProgress, now: number) =>
  blockers(
    planDrain(progress.pods, {
      force: false,
      ignoreDaemonSets: true,
      deleteEmptyDirData: true,
      keepsUnmanaged: false,
    }),
    progress,
    now,
  );

describe("what blocks a drain", () => {
  const db = nodePod("db-0", { labels: { app: "db" } });
  const refused = (...budgets: ReadonlyArray<ReturnType<typeof budget>>): DrainProgress => ({
    ...putOff(look(db), "db-0-uid", REFUSED, NOW),
    budgets,
  });
  const ours = { matchLabels: { app: "db" } };

  it("is told after a minute, with the Pod and the budget, and not before", () => {
    const progress = refused(budget("db", ours), budget("web", { matchLabels: { app: "web" } }));
    expect(blockersOf(progress, NOW + 59_999)).toBeUndefined();
    expect(blockedNamespaces(progress, NOW + 59_999)).toEqual([]);
    expect(blockedNamespaces(progress, NOW + 60_000)).toEqual(["shop"]);
    expect(blockersOf(progress, NOW + 60_000)).toEqual({
      reason: "DrainBlocked",
      message:
        "Draining is blocked: shop/db-0: PodDisruptionBudget shop/db allows 0 disruptions (1 healthy, 1 needed)",
    });
  });

  it("is what the server said where no budget is known", () => {
    expect(blockersOf(refused(), NOW + 60_000)?.message).toBe(
      `Draining is blocked: shop/db-0: ${REFUSED.detail}`,
    );
  });

  it("is that there are several budgets", () => {
    expect(
      blockersOf(refused(budget("db", ours), budget("all", {})), NOW + 60_000)?.message,
    ).toContain(
      "the Eviction API does not support several budgets for one Pod: PodDisruptionBudget shop/db allows",
    );
  });

  it("is no budget of another namespace, nor one without a selector", () => {
    const others = [budget("db", ours, { namespace: "other" }), budget("none", undefined)];
    expect(blockersOf(refused(...others), NOW + 60_000)?.message).toContain(REFUSED.detail);
  });

  it("is a Pod that should have ended 30 s ago", () => {
    const progress = look(nodePod("stuck", { deletingSince: kubeTime(NOW) }));
    expect(blockersOf(progress, NOW + 29_999)).toBeUndefined();
    expect(blockersOf(progress, NOW + 30_000)).toEqual({
      reason: "PodsTerminating",
      message: "Draining waits for Pods that should have ended: shop/stuck",
    });
  });
});
