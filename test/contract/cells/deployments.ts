/** Deployments over ReplicaSets: what the server fills in and refuses, rollouts step by step. Scripts say of Pods that they are ready. */
import { Effect } from "effect";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import { Deployments, Pods, ReplicaSets } from "../../../src/domain/kube/resource.ts";
import { at, type Body, type Group, type Kit, outcome, view } from "../support/cell.ts";
import { BOUND_TO } from "../support/objects.ts";

const STATUS = { subresource: "status" } as const;
const HASH = "pod-template-hash";

const template = (image: string): Body => ({
  metadata: { labels: { app: "a" } },
  spec: { nodeName: BOUND_TO, containers: [{ name: "c", image }] },
});

const deployment = (replicas: number, spec: Body = {}): Body => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "d" },
  spec: {
    replicas,
    selector: { matchLabels: { app: "a" } },
    template: template("registry/image:1"),
    ...spec,
  },
});

const itemsOf = (list: unknown) => at(list, "items") as ReadonlyArray<KubeObject>;
const age = ({ metadata }: KubeObject) =>
  Number(metadata.annotations?.["deployment.kubernetes.io/revision"] ?? 0);
const replicasOf = (set: KubeObject) => Number(at(set, "spec.replicas"));

const setsOf = (kit: Kit) =>
  Effect.map(kit.list(ReplicaSets), (list) =>
    itemsOf(list).toSorted((one, other) => age(one) - age(other)),
  );

const podsOf = (kit: Kit) =>
  Effect.map(kit.list(Pods, { labelSelector: "app=a" }), (list) =>
    itemsOf(list).filter(({ metadata }) => metadata.deletionTimestamp === undefined),
  );

/** The replicas that the ReplicaSets are to have, in the order of their revisions, once they are these. */
const replicas = (kit: Kit, ...wanted: ReadonlyArray<number>) =>
  Effect.map(
    kit.until(
      setsOf(kit),
      (sets) => JSON.stringify(sets.map(replicasOf)) === JSON.stringify(wanted),
    ),
    (sets) => sets.map(replicasOf),
  );

/** Whether every ReplicaSet has as many Pods as it is to have. */
const areComplete = (sets: ReadonlyArray<KubeObject>) =>
  sets.every((set) => (at(set, "status.replicas") ?? 0) === replicasOf(set));

/** Says of all Pods of the app that they are ready, once there are so many; answers how many there were. */
const ready = (kit: Kit, count: number) =>
  Effect.gen(function* () {
    yield* kit.until(setsOf(kit), (sets) => sets.length > 0 && areComplete(sets));
    const pods = yield* kit.until(podsOf(kit), (found) => found.length === count);
    const conditions = [{ type: "Ready", status: "True" }];
    for (const { metadata } of pods)
      yield* kit.patch(Pods, metadata.name, { status: { phase: "Running", conditions } }, STATUS);
    return pods.length;
  });

/** Pods without a kubelet end when they are removed at once. */
const removeLeaving = (kit: Kit) =>
  Effect.gen(function* () {
    const leaving = itemsOf(yield* kit.list(Pods)).filter(
      ({ metadata }) => metadata.deletionTimestamp !== undefined,
    );
    for (const { metadata } of leaving)
      yield* kit.delete(Pods, metadata.name, { gracePeriodSeconds: 0 });
  });

const COUNTS = [
  "metadata.generation",
  "status.observedGeneration",
  "status.replicas",
  "status.updatedReplicas",
  "status.readyReplicas",
  "status.availableReplicas",
  "status.unavailableReplicas",
];

const conditionsOf = (found: unknown) => {
  const conditions = (at(found, "status.conditions") ?? []) as ReadonlyArray<Body>;
  return Object.fromEntries(
    conditions.map(({ type, status, reason }) => [String(type), [status, reason]]),
  );
};

/** The status once a condition has this reason. */
const told = (kit: Kit, reason: string) =>
  Effect.gen(function* () {
    yield* kit.until(kit.get(Deployments, "d"), (found) =>
      JSON.stringify(conditionsOf(found)).includes(`"${reason}"`),
    );
    const found = yield* kit.settled(Deployments, "d");
    return { ...view(found, ...COUNTS), conditions: conditionsOf(found) };
  });

const rolledOut = (kit: Kit, count: number, spec: Body = {}) =>
  Effect.gen(function* () {
    yield* kit.create(Deployments, deployment(count, spec));
    yield* ready(kit, count);
    return yield* told(kit, "NewReplicaSetAvailable");
  });

const change = (kit: Kit, spec: Body) => kit.patch(Deployments, "d", { spec });
const newImage = (kit: Kit, image = "registry/image:2") =>
  change(kit, { template: template(image) });

export const deployments: Group = {
  title: "deployments",
  controllers: true,
  cells: {
    "create Deployment × answer": (kit) => kit.create(Deployments, deployment(1)),
    "create Deployment × Recreate": (kit) =>
      Effect.map(
        kit.create(Deployments, deployment(0, { strategy: { type: "Recreate" } })),
        (found) => at(found, "spec.strategy"),
      ),
    ...Object.fromEntries(
      (
        [
          ["neither surge nor missing", { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } }],
          ["Recreate that rolls", { type: "Recreate", rollingUpdate: { maxSurge: 1 } }],
          ["a strategy that there is not", { type: "Blue" }],
        ] as const
      ).map(([what, strategy]) => [
        `create Deployment × refused: ${what}`,
        (kit: Kit) => outcome(kit.create(Deployments, deployment(1, { strategy }))),
      ]),
    ),
    "Deployment × its ReplicaSet and Pods": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Deployments, deployment(1));
        yield* kit.until(podsOf(kit), (pods) => pods.length === 1);
        const [set] = yield* setsOf(kit);
        const [pod] = yield* podsOf(kit);
        const hash = String(set?.metadata.labels?.[HASH]);
        return {
          isNamed: set?.metadata.name === `d-${hash}`,
          isSelected: at(set, "spec.selector.matchLabels") as Body,
          template: (at(set, "spec.template.metadata.labels") as Body)[HASH] === hash,
          pod: [pod?.metadata.labels?.[HASH] === hash, pod?.metadata.generateName === `d-${hash}-`],
          owner: at(set, "metadata.ownerReferences"),
          notes: at(set, "metadata.annotations"),
          deployment: at(yield* kit.settled(Deployments, "d"), "metadata.annotations"),
        };
      }).pipe(
        Effect.map(({ isSelected, ...rest }) => ({ ...rest, selector: Object.keys(isSelected) })),
      ),
    "Deployment × status before and after its Pods are ready": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Deployments, deployment(2));
        yield* kit.until(podsOf(kit), (pods) => pods.length === 2);
        const before = yield* told(kit, "ReplicaSetUpdated");
        yield* ready(kit, 2);
        return { before, after: yield* told(kit, "NewReplicaSetAvailable") };
      }),
    "Deployment × a new template is rolled out as surge and availability allow": (kit) =>
      Effect.gen(function* () {
        yield* rolledOut(kit, 4);
        yield* newImage(kit);
        // One more than wanted, and one less that is available.
        const began = yield* replicas(kit, 3, 2);
        yield* ready(kit, 5);
        const second = yield* replicas(kit, 1, 4);
        yield* ready(kit, 5);
        const last = yield* replicas(kit, 0, 4);
        return { began, second, last, end: yield* told(kit, "NewReplicaSetAvailable") };
      }),
    "Deployment × maxUnavailable 0 waits for each new Pod": (kit) =>
      Effect.gen(function* () {
        yield* rolledOut(kit, 2, {
          strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        });
        yield* newImage(kit);
        const steps = [yield* replicas(kit, 2, 1)];
        yield* ready(kit, 3);
        steps.push(yield* replicas(kit, 1, 2));
        yield* ready(kit, 3);
        steps.push(yield* replicas(kit, 0, 2));
        return steps;
      }),
    "Deployment × Recreate: the old Pods are gone before new ones come": (kit) =>
      Effect.gen(function* () {
        yield* rolledOut(kit, 2, { strategy: { type: "Recreate" } });
        yield* newImage(kit);
        const down = yield* replicas(kit, 0);
        yield* kit.until(podsOf(kit), (pods) => pods.length === 0);
        yield* removeLeaving(kit);
        return { down, up: yield* replicas(kit, 0, 2) };
      }),
    "Deployment × scaled up and down": (kit) =>
      Effect.gen(function* () {
        yield* rolledOut(kit, 2);
        yield* change(kit, { replicas: 4 });
        const up = yield* replicas(kit, 4);
        const [grown] = yield* setsOf(kit);
        yield* change(kit, { replicas: 1 });
        const down = yield* replicas(kit, 1);
        return { up, down, notes: Object.keys(grown?.metadata.annotations ?? {}).toSorted() };
      }),
    "Deployment × paused: scaled, but not rolled out until it is resumed": (kit) =>
      Effect.gen(function* () {
        yield* rolledOut(kit, 1);
        yield* change(kit, { paused: true });
        const paused = yield* told(kit, "DeploymentPaused");
        yield* newImage(kit);
        yield* change(kit, { replicas: 2 });
        const scaled = yield* replicas(kit, 2);
        yield* change(kit, { paused: false });
        const sets = yield* kit.until(setsOf(kit), (found) => found.length === 2);
        return { paused, scaled, resumed: sets.length };
      }),
    "Deployment × an old template again: its ReplicaSet gets a new revision": (kit) =>
      Effect.gen(function* () {
        yield* rolledOut(kit, 1);
        yield* newImage(kit);
        yield* ready(kit, 2);
        yield* replicas(kit, 0, 1);
        yield* newImage(kit, "registry/image:1");
        const sets = yield* kit.until(
          setsOf(kit),
          (found) => JSON.stringify(found.map(age)) === "[2,3]",
        );
        return { revisions: sets.map(age), images: sets.map(imageOf) };
      }),
  },
};

const imageOf = (set: KubeObject): unknown => {
  const containers = at(set, "spec.template.spec.containers") as ReadonlyArray<Body>;
  return containers[0]?.["image"];
};
