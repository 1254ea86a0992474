/**
 * What the Job controller and the garbage collector make of objects (reliability.md (c)6, 7, 12): the real ones, and the
 * models in src/services/world. There are no kubelets: scripts write the status of Pods themselves.
 */
import { Effect, Stream } from "effect";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import {
  Jobs,
  NodeOps,
  Pods,
  type Resource,
  ServiceAccounts,
} from "../../../src/domain/kube/resource.ts";
import type { KubeError } from "../../../src/services/KubeError.ts";
import { KubeTransport, type WatchFrame } from "../../../src/services/KubeTransport.ts";
import { at, type Body, type Group, type Kit, outcome, view } from "../support/cell.ts";
import { job, nodeOp } from "../support/objects.ts";

const STATUS = { subresource: "status" } as const;

type Reading<A> = Effect.Effect<A, KubeError, KubeTransport>;
type Objects = ReadonlyArray<KubeObject>;

const bound = (spec: Body = {}, podSpec: Body = {}, meta: Body = {}) =>
  job("a", spec, { nodeName: "some-node", ...podSpec }, meta);

const podsOf = (kit: Kit, name = "a"): Reading<Objects> =>
  Effect.map(
    kit.list(Pods, { labelSelector: `batch.kubernetes.io/job-name=${name}` }),
    (list) => at(list, "items") as Objects,
  );

/** The Pods once there are so many. */
const podCount = (kit: Kit, count: number) =>
  kit.until(podsOf(kit), (pods) => pods.length === count);

const onlyPod = (kit: Kit): Reading<KubeObject> =>
  Effect.flatMap(podCount(kit, 1), ([pod]) =>
    pod === undefined ? Effect.die(new Error("The Job has no Pod")) : Effect.succeed(pod),
  );

const isTrue = (object: unknown, type: string): boolean =>
  (Array.isArray(at(object, "status.conditions"))
    ? (at(object, "status.conditions") as ReadonlyArray<unknown>)
    : []
  ).some((one) => at(one, "type") === type && at(one, "status") === "True");

const conditions = (object: unknown): ReadonlyArray<string> =>
  ((at(object, "status.conditions") ?? []) as ReadonlyArray<unknown>).map(
    (one) => `${String(at(one, "type"))}=${String(at(one, "status"))} ${String(at(one, "reason"))}`,
  );

const jobWith = (kit: Kit, type: string) =>
  kit.until(kit.get(Jobs, "a"), (found) => isTrue(found, type));

const COUNTS = ["active", "ready", "terminating", "succeeded", "failed"];

/** What of a Job's status is there after the controller has come to rest. */
const summary = (found: KubeObject) => ({
  conditions: conditions(found),
  counts: Object.fromEntries(COUNTS.map((name) => [name, at(found, `status.${name}`) ?? null])),
  uncounted: at(found, "status.uncountedTerminatedPods") ?? null,
  started: at(found, "status.startTime") !== undefined,
  completed: at(found, "status.completionTime") !== undefined,
});

/** As a kubelet reports that a container has started or ended. */
const report = (kit: Kit, pod: KubeObject, phase: string, exitCode?: number, more: Body = {}) =>
  kit.patch(
    Pods,
    pod.metadata.name,
    {
      status: {
        phase,
        startTime: "2026-01-01T00:00:00Z",
        containerStatuses: [
          {
            name: "c",
            image: "registry/image:1",
            imageID: "",
            ready: phase === "Running",
            restartCount: 0,
            state:
              exitCode === undefined
                ? { running: { startedAt: "2026-01-01T00:00:00Z" } }
                : {
                    terminated: {
                      exitCode,
                      startedAt: "2026-01-01T00:00:00Z",
                      finishedAt: "2026-01-01T00:00:01Z",
                    },
                  },
          },
        ],
        ...more,
      },
    },
    STATUS,
  );

/** All frames of a kind up to that of a marker, which is created for it. */
const framesBefore = (
  kit: Kit,
  resource: Resource,
  resourceVersion: string,
): Reading<ReadonlyArray<WatchFrame>> =>
  Effect.gen(function* () {
    const transport = yield* KubeTransport;
    yield* kit.create(resource, job("marker", { suspend: true, parallelism: 0 }));
    const seen: Array<WatchFrame> = [];
    yield* transport.watch({ resource, namespace: kit.ns, resourceVersion }).pipe(
      Stream.takeUntil(({ object }) => at(object, "metadata.name") === "marker"),
      Stream.runForEach((frame) => Effect.sync(() => seen.push(frame))),
    );
    return seen.slice(0, -1);
  });

/** What conditions a Job had one after the other. */
const conditionStory = (kit: Kit, since: KubeObject) =>
  Effect.map(framesBefore(kit, Jobs, since.metadata.resourceVersion), (frames) =>
    frames
      .map(({ object }) => conditions(object).join(", "))
      .filter((text, index, all) => text !== all[index - 1]),
  );

const account = (name: string, owners: ReadonlyArray<Body>): Body => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name, ownerReferences: owners },
});

const ownedBy = (owner: KubeObject, more: Body = {}): Body => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  ...more,
});

/** Whether the object is still there after more than enough time for a controller to remove it. */
const stays = (kit: Kit, resource: Resource, name: string) =>
  Effect.andThen(
    Effect.sleep("3 seconds"),
    Effect.map(outcome(kit.get(resource, name)), (answer) =>
      view(answer, "metadata.name", "metadata.ownerReferences", "metadata.deletionTimestamp"),
    ),
  );

/** Whether the garbage collector is done with it. */
const settled = (found: KubeObject) =>
  found.metadata.deletionTimestamp !== undefined || found.metadata.ownerReferences === undefined;

/** Deletes a running Job; what becomes of it and of its Pod. */
const deletion = (kit: Kit, options: Body) =>
  Effect.gen(function* () {
    yield* kit.create(Jobs, bound());
    const pod = yield* onlyPod(kit);
    yield* report(kit, pod, "Running");
    yield* kit.delete(Jobs, "a", options);
    const read = kit.get(Pods, pod.metadata.name);
    const after = yield* kit.until(read, settled);
    const waits = options["propagationPolicy"] === "Foreground";
    const theJob = waits ? yield* outcome(kit.get(Jobs, "a")) : yield* kit.gone(Jobs, "a");
    return {
      pod: {
        marked: after.metadata.deletionTimestamp !== undefined,
        owned: after.metadata.ownerReferences !== undefined,
      },
      job: waits ? view(theJob, "metadata.finalizers") : { gone: theJob },
    };
  });

export const controllers: Group = {
  title: "controllers",
  controllers: true,
  cells: {
    "Job × its Pod": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, bound({}, {}, { labels: { of: "job" } }));
        const pod = yield* onlyPod(kit);
        const ours = yield* kit.until(
          kit.get(Jobs, "a"),
          (found) => at(found, "status.active") === 1,
        );
        return [
          view(pod, "metadata", "spec.restartPolicy", "spec.nodeName", "spec.tolerations"),
          summary(ours),
        ];
      }),
    "Job × succeeds: SuccessCriteriaMet, then Complete": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(Jobs, bound());
        const pod = yield* onlyPod(kit);
        yield* report(kit, pod, "Running");
        yield* kit.until(kit.get(Jobs, "a"), (found) => at(found, "status.active") === 1);
        yield* report(kit, pod, "Succeeded", 0);
        const done = yield* jobWith(kit, "Complete");
        return {
          story: yield* conditionStory(kit, created),
          done: summary(done),
          pod: view(yield* onlyPod(kit), "metadata.finalizers", "status.phase"),
        };
      }),
    "Job × suspended: no Pods, and it says so": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, bound({ suspend: true }));
        const found = yield* jobWith(kit, "Suspended");
        return [summary(found), (yield* podsOf(kit)).length];
      }),
    "Job × resumed: a Pod, a start time, Suspended is False": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, bound({ suspend: true }));
        const { metadata } = yield* jobWith(kit, "Suspended");
        const { uid, resourceVersion } = metadata;
        yield* kit.patch(Jobs, "a", {
          metadata: { uid, resourceVersion },
          spec: { suspend: false },
        });
        yield* onlyPod(kit);
        return summary(
          yield* kit.until(kit.get(Jobs, "a"), (found) => at(found, "status.active") === 1),
        );
      }),
    "Job × suspended while it runs: its Pod is deleted, counts as nothing": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, bound({ podReplacementPolicy: "Failed" }));
        const pod = yield* onlyPod(kit);
        yield* report(kit, pod, "Running");
        yield* kit.until(kit.get(Jobs, "a"), (found) => at(found, "status.active") === 1);
        yield* kit.patch(Jobs, "a", { spec: { suspend: true } });
        const marked = yield* kit.until(
          kit.get(Pods, pod.metadata.name),
          (found) => found.metadata.deletionTimestamp !== undefined,
        );
        const idle = yield* kit.until(
          kit.get(Jobs, "a"),
          (found) => isTrue(found, "Suspended") && at(found, "status.active") === undefined,
        );
        yield* report(kit, pod, "Failed", 143);
        yield* kit.until(
          kit.get(Pods, pod.metadata.name),
          (found) => found.metadata.finalizers === undefined,
        );
        yield* kit.delete(Pods, pod.metadata.name, { gracePeriodSeconds: 0 });
        const after = yield* kit.until(
          kit.get(Jobs, "a"),
          (found) => (at(found, "status.terminating") ?? 0) === 0,
        );
        return [
          view(marked, "metadata.deletionGracePeriodSeconds", "metadata.finalizers"),
          conditions(idle),
          summary(after),
        ];
      }),
    "Job × more failures than backoffLimit: FailureTarget, then Failed": (kit) =>
      Effect.gen(function* () {
        const created = yield* kit.create(Jobs, bound({ backoffLimit: 0 }));
        const pod = yield* onlyPod(kit);
        yield* report(kit, pod, "Running");
        yield* kit.until(kit.get(Jobs, "a"), (found) => at(found, "status.active") === 1);
        yield* report(kit, pod, "Failed", 1);
        const failed = yield* jobWith(kit, "Failed");
        return {
          story: yield* conditionStory(kit, created),
          failed: summary(failed),
          message: at(
            (at(failed, "status.conditions") as ReadonlyArray<unknown>).find(
              (one) => at(one, "type") === "Failed",
            ),
            "message",
          ),
          pods: (yield* podsOf(kit)).map((one) => view(one, "metadata.finalizers")),
        };
      }),
    "Job × a failed Pod is replaced while backoffLimit allows": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, bound({ backoffLimit: 1 }));
        yield* report(kit, yield* onlyPod(kit), "Failed", 1);
        const counted = yield* kit.until(
          kit.get(Jobs, "a"),
          (found) => at(found, "status.failed") === 1,
        );
        // It waits ten seconds.
        yield* Effect.sleep("8 seconds");
        yield* podCount(kit, 2);
        const after = yield* kit.until(
          kit.get(Jobs, "a"),
          (found) => at(found, "status.active") === 1,
        );
        return [conditions(counted), summary(after)];
      }),
    "Job × podReplacementPolicy Failed: no second Pod while the first terminates": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, bound({ podReplacementPolicy: "Failed" }));
        const pod = yield* onlyPod(kit);
        yield* report(kit, pod, "Running");
        yield* kit.delete(Pods, pod.metadata.name);
        const terminating = yield* kit.until(
          kit.get(Jobs, "a"),
          (found) => at(found, "status.terminating") === 1,
        );
        yield* Effect.sleep("2 seconds");
        return [summary(terminating), (yield* podsOf(kit)).length];
      }),
    "Job × podReplacementPolicy TerminatingOrFailed: a second Pod at once": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, bound());
        const pod = yield* onlyPod(kit);
        yield* report(kit, pod, "Running");
        yield* kit.delete(Pods, pod.metadata.name);
        // A deleted Pod counts as failed once its finalizer is gone, so its replacement may be delayed.
        const second = yield* kit.until(
          Effect.andThen(Effect.sleep("1 second"), podsOf(kit)),
          (found) => found.length === 2,
        );
        return second.length;
      }),
    "Job × a disruption that the failure policy ignores does not count": (kit) =>
      Effect.gen(function* () {
        const podFailurePolicy = {
          rules: [
            { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
          ],
        };
        yield* kit.create(Jobs, bound({ backoffLimit: 0, podFailurePolicy }));
        const first = yield* onlyPod(kit);
        yield* report(kit, first, "Failed", 143, {
          conditions: [
            { type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI" },
          ],
        });
        const found = yield* podCount(kit, 2);
        const after = yield* kit.until(kit.get(Jobs, "a"), (one) => at(one, "status.active") === 1);
        return [found.length, summary(after)];
      }),
    "Job × a FailJob rule fails it at once": (kit) =>
      Effect.gen(function* () {
        const podFailurePolicy = {
          rules: [{ action: "FailJob", onExitCodes: { operator: "In", values: [42] } }],
        };
        yield* kit.create(Jobs, bound({ backoffLimit: 6, podFailurePolicy }));
        const pod = yield* onlyPod(kit);
        yield* report(kit, pod, "Failed", 42);
        return summary(yield* jobWith(kit, "Failed"));
      }),
    "Job × activeDeadlineSeconds: its Pods are deleted, Failed when they have ended": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, bound({ activeDeadlineSeconds: 1 }));
        const pod = yield* onlyPod(kit);
        yield* report(kit, pod, "Running");
        const late = yield* jobWith(kit, "FailureTarget");
        const marked = yield* kit.get(Pods, pod.metadata.name);
        yield* report(kit, pod, "Failed", 143);
        const failed = yield* jobWith(kit, "Failed");
        return [conditions(late), marked.metadata.deletionTimestamp !== undefined, summary(failed)];
      }),
    "Job × deleted with Background: its Pod is deleted": (kit) =>
      deletion(kit, { propagationPolicy: "Background" }),
    "Job × deleted with Foreground: it waits for its Pod": (kit) =>
      deletion(kit, { propagationPolicy: "Foreground" }),
    "Job × deleted with Orphan: its Pod stays and forgets it": (kit) =>
      deletion(kit, { propagationPolicy: "Orphan" }),
    "Job × deleted without a policy: its Pod stays": (kit) => deletion(kit, {}),
    "GC × Background: dependents go": (kit) =>
      Effect.gen(function* () {
        const owner = yield* kit.create(NodeOps, nodeOp("owner"));
        yield* kit.create(ServiceAccounts, account("child", [ownedBy(owner)]));
        yield* kit.delete(NodeOps, "owner", { propagationPolicy: "Background" });
        return yield* kit.gone(ServiceAccounts, "child");
      }),
    "GC × a dependent of another living owner stays": (kit) =>
      Effect.gen(function* () {
        const one = yield* kit.create(NodeOps, nodeOp("one"));
        const two = yield* kit.create(NodeOps, nodeOp("two"));
        yield* kit.create(ServiceAccounts, account("child", [ownedBy(one), ownedBy(two)]));
        yield* kit.delete(NodeOps, "one", { propagationPolicy: "Background" });
        yield* kit.until(
          kit.get(ServiceAccounts, "child"),
          ({ metadata }) => metadata.ownerReferences?.length === 1,
        );
        return yield* stays(kit, ServiceAccounts, "child");
      }),
    "GC × owner that never was: the dependent goes": (kit) =>
      Effect.gen(function* () {
        const owner = yield* kit.create(NodeOps, nodeOp("owner"));
        const uid = "00000000-0000-4000-8000-000000000000";
        yield* kit.create(ServiceAccounts, account("child", [ownedBy(owner, { uid })]));
        return yield* kit.gone(ServiceAccounts, "child");
      }),
    "GC × owner created again under its name is another one": (kit) =>
      Effect.gen(function* () {
        const owner = yield* kit.create(NodeOps, nodeOp("owner"));
        yield* kit.create(ServiceAccounts, account("child", [ownedBy(owner)]));
        yield* kit.delete(NodeOps, "owner");
        yield* kit.create(NodeOps, nodeOp("owner"));
        return yield* kit.gone(ServiceAccounts, "child");
      }),
    "GC × Foreground: the owner waits for dependents that block": (kit) =>
      Effect.gen(function* () {
        const owner = yield* kit.create(NodeOps, nodeOp("owner"));
        const child = account("child", [ownedBy(owner, { blockOwnerDeletion: true })]);
        const metadata = { ...(child["metadata"] as Body), finalizers: ["example.com/f"] };
        yield* kit.create(ServiceAccounts, { ...child, metadata });
        yield* kit.delete(NodeOps, "owner", { propagationPolicy: "Foreground" });
        const marked = yield* kit.until(
          kit.get(ServiceAccounts, "child"),
          (found) => found.metadata.deletionTimestamp !== undefined,
        );
        const waiting = yield* kit.get(NodeOps, "owner");
        yield* kit.patch(ServiceAccounts, "child", { metadata: { finalizers: null } });
        return [
          marked.metadata.deletionTimestamp !== undefined,
          waiting.metadata.finalizers,
          yield* kit.gone(NodeOps, "owner"),
        ];
      }),
    "GC × Foreground: nobody waits for a dependent that does not block": (kit) =>
      Effect.gen(function* () {
        const owner = yield* kit.create(NodeOps, nodeOp("owner"));
        const child = account("child", [ownedBy(owner)]);
        const metadata = { ...(child["metadata"] as Body), finalizers: ["example.com/f"] };
        yield* kit.create(ServiceAccounts, { ...child, metadata });
        yield* kit.delete(NodeOps, "owner", { propagationPolicy: "Foreground" });
        const gone = yield* kit.gone(NodeOps, "owner");
        const marked = yield* kit.until(
          kit.get(ServiceAccounts, "child"),
          (found) => found.metadata.deletionTimestamp !== undefined,
        );
        return [gone, marked.metadata.deletionTimestamp !== undefined];
      }),
    "GC × Orphan: dependents stay and forget their owner": (kit) =>
      Effect.gen(function* () {
        const owner = yield* kit.create(NodeOps, nodeOp("owner"));
        yield* kit.create(ServiceAccounts, account("child", [ownedBy(owner)]));
        yield* kit.delete(NodeOps, "owner", { propagationPolicy: "Orphan" });
        const gone = yield* kit.gone(NodeOps, "owner");
        return [gone, yield* stays(kit, ServiceAccounts, "child")];
      }),
    "GC × a finalizer of ours holds the owner, dependents stay until it goes": (kit) =>
      Effect.gen(function* () {
        const owner = yield* kit.create(
          NodeOps,
          nodeOp("owner", {}, { finalizers: ["operator.kairos.io/nodeop"] }),
        );
        yield* kit.create(ServiceAccounts, account("child", [ownedBy(owner)]));
        yield* kit.delete(NodeOps, "owner", { propagationPolicy: "Background" });
        const held = yield* stays(kit, ServiceAccounts, "child");
        yield* kit.patch(NodeOps, "owner", { metadata: { finalizers: null } });
        return [held, yield* kit.gone(ServiceAccounts, "child")];
      }),
  },
};
