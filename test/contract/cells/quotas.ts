/** ResourceQuotas: what the server charges and refuses, what the quota controller says in status, what a Job does meanwhile. */
import { Effect } from "effect";
import { CoreEvents, Jobs, Pods } from "../../../src/domain/kube/resource.ts";
import { ResourceQuotas } from "../../../src/services/quota.ts";
import { at, type Body, type Group, type Kit, outcome, view } from "../support/cell.ts";
import { boundPod, ConfigMaps, configMap, job, pod } from "../support/objects.ts";

const DRY_RUN = { query: { dryRun: true } } as const;
const STATUS = { subresource: "status" } as const;

const quota = (name: string, hard: Body): Body => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: { name },
  spec: { hard },
});

/** A quota that the controller has counted and the server knows. */
const limit = (kit: Kit, hard: Body, name = "q") =>
  Effect.gen(function* () {
    yield* kit.create(ResourceQuotas, quota(name, hard));
    yield* kit.until(
      kit.get(ResourceQuotas, name),
      (found) => at(found, "status.used") !== undefined,
    );
    return yield* kit.settled(ResourceQuotas, name);
  });

const used = (kit: Kit, name = "q") =>
  Effect.map(kit.settled(ResourceQuotas, name), (found) => at(found, "status.used"));

const usedOnce = (kit: Kit, what: string, amount: string) =>
  Effect.map(
    kit.until(
      kit.get(ResourceQuotas, "q"),
      (found) => (at(found, "status.used") as Body | undefined)?.[what] === amount,
    ),
    (found) => at(found, "status.used"),
  );

const named = (found: unknown) => view(found, "metadata.name");

/** What the creation of these comes to, one after the other. */
const creations = (kit: Kit, ...bodies: ReadonlyArray<Body>) =>
  Effect.forEach(bodies, (body) => Effect.map(outcome(kit.create(Pods, body)), named));

const asking = (name: string, requests: Body, limits?: Body): Body =>
  pod(name, {
    containers: [
      {
        name: "c",
        image: "registry/image:1",
        resources: { requests, ...(limits === undefined ? {} : { limits }) },
      },
    ],
  });

const wanting = (name: string, cpu: string): Body => ({
  name,
  image: "registry/image:1",
  resources: { requests: { cpu } },
});

export const quotas: Group = {
  title: "quotas",
  controllers: true,
  cells: {
    "create ResourceQuota × answer, and its status": (kit) =>
      Effect.gen(function* () {
        const hard = {
          pods: 4,
          "requests.memory": "2048Mi",
          "count/jobs.batch": "2",
          cpu: "1500m",
        };
        const created = yield* kit.create(ResourceQuotas, quota("q", hard));
        const counted = yield* limit(kit, hard, "r");
        return { created, status: counted["status"] };
      }),
    "create ResourceQuota × less than nothing": (kit) =>
      Effect.map(outcome(kit.create(ResourceQuotas, quota("q", { pods: "-1" }))), named),
    "create Pod × as many as the quota allows": (kit) =>
      Effect.gen(function* () {
        yield* limit(kit, { pods: "2" });
        const made = yield* creations(kit, pod("a"), pod("b"), pod("c"));
        return { made, used: yield* used(kit) };
      }),
    "create Pod × a dry run is judged, and charged nothing": (kit) =>
      Effect.gen(function* () {
        yield* limit(kit, { pods: "1" });
        const dry = yield* Effect.map(outcome(kit.create(Pods, pod("a"), DRY_RUN)), named);
        const before = yield* used(kit);
        yield* kit.create(Pods, pod("a"));
        const full = yield* Effect.map(outcome(kit.create(Pods, pod("b"), DRY_RUN)), named);
        return { dry, before, full, after: yield* used(kit) };
      }),
    "create Pod × a name that is taken is charged all the same": (kit) =>
      Effect.gen(function* () {
        yield* limit(kit, { pods: "3" });
        return { made: yield* creations(kit, pod("a"), pod("a")), used: yield* used(kit) };
      }),
    "create Pod × several quotas, all names that are exceeded": (kit) =>
      Effect.gen(function* () {
        yield* limit(kit, { pods: "5", "requests.cpu": "1", "requests.memory": "1Gi" });
        yield* limit(kit, { "count/pods": "1" }, "r");
        return {
          made: yield* creations(
            kit,
            asking("big", { cpu: "1100m", memory: "1025Mi" }),
            asking("a", { cpu: "500m", memory: "100Mi" }),
            asking("b", { cpu: "100m", memory: "100Mi" }),
          ),
          q: yield* used(kit),
          r: yield* used(kit, "r"),
        };
      }),
    "create Pod × what a limited amount demands of each container": (kit) =>
      Effect.gen(function* () {
        yield* limit(kit, { "limits.memory": "1Gi", "requests.cpu": "1" });
        return yield* creations(
          kit,
          pod("nothing"),
          asking("half", { cpu: "1" }),
          asking("all", { cpu: "100m" }, { memory: "64Mi" }),
          asking("limit", {}, { cpu: "200m", memory: "64Mi" }),
        );
      }),
    "create Pod × init containers": (kit) =>
      Effect.gen(function* () {
        yield* limit(kit, { "requests.cpu": "4" });
        yield* kit.create(
          Pods,
          pod("a", {
            initContainers: [wanting("i", "2"), wanting("j", "1500m")],
            containers: [wanting("c", "500m"), wanting("d", "700m")],
          }),
        );
        return yield* used(kit);
      }),
    "create × other kinds are counted too": (kit) =>
      Effect.gen(function* () {
        yield* limit(kit, { "count/jobs.batch": "1" });
        return {
          jobs: yield* Effect.forEach(["a", "b"], (name) =>
            Effect.map(outcome(kit.create(Jobs, job(name, { suspend: true }))), named),
          ),
          maps: yield* Effect.map(outcome(kit.create(ConfigMaps, configMap("m"))), named),
        };
      }),
    "delete and end of Pods × make room": (kit) =>
      Effect.gen(function* () {
        yield* limit(kit, { pods: "2", "count/pods": "9" });
        yield* creations(kit, pod("a"), boundPod("b"));
        yield* kit.patch(Pods, "b", { status: { phase: "Succeeded" } }, STATUS);
        const ended = yield* usedOnce(kit, "pods", "1");
        yield* kit.delete(Pods, "a");
        // The server counts a Pod that is on its way out once more.
        const deleted = yield* usedOnce(kit, "count/pods", "1");
        return { ended, deleted, again: yield* creations(kit, pod("c")) };
      }),
    "update ResourceQuota × a new limit counts once it was seen": (kit) =>
      Effect.gen(function* () {
        yield* limit(kit, { pods: "1" });
        yield* creations(kit, pod("a"));
        yield* kit.patch(ResourceQuotas, "q", { spec: { hard: { pods: "2" } } });
        yield* kit.until(
          kit.get(ResourceQuotas, "q"),
          (found) => at(found, "status.hard.pods") === "2",
        );
        yield* kit.settled(ResourceQuotas, "q");
        return yield* creations(kit, pod("b"), pod("c"));
      }),
    "Job controller × tries again, tells it in an Event, and goes on when there is room": (kit) =>
      Effect.gen(function* () {
        yield* limit(kit, { pods: "0" });
        yield* kit.create(Jobs, job("j"));
        const told = yield* kit.until(kit.list(CoreEvents), (list) => eventsOf(list).length > 0);
        const before = yield* kit.get(Jobs, "j");
        yield* kit.patch(ResourceQuotas, "q", { spec: { hard: { pods: "1" } } });
        const after = yield* kit.until(
          kit.get(Jobs, "j"),
          (found) => at(found, "status.active") === 1,
        );
        return {
          told: view(eventsOf(told)[0], "type", "reason", "source.component"),
          message: String(at(eventsOf(told)[0], "message")).replace(/"j-\w+"/u, '"j-…"'),
          before: view(before, "status.active", "status.conditions"),
          after: view(after, "status.active"),
        };
      }),
  },
};

const eventsOf = (list: unknown): ReadonlyArray<unknown> => {
  const items = at(list, "items");
  return Array.isArray(items) ? items.filter((item) => at(item, "reason") === "FailedCreate") : [];
};
