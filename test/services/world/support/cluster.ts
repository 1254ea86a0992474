/** A small simulated cluster with a user in it, for stories: things happen, then what became of them is looked at. */
import { Effect } from "effect";
import type { Commit, HostEvent } from "../../../../src/domain/history.ts";
import type { KubeObject, NewKubeObject } from "../../../../src/domain/kube/object.ts";
import { crds } from "../../../../src/domain/api/crd.ts";
import { Jobs, Pods, type Resource } from "../../../../src/domain/kube/resource.ts";
import type { KubeRequest } from "../../../../src/services/KubeTransport.ts";
import { type Admission, FakeCluster } from "../../../../src/services/fake/FakeCluster.ts";
import { World } from "../../../../src/services/simulation/World.ts";
import type { NodeBehaviour } from "../../../../src/services/world/behaviour.ts";
import type { Job } from "../../../../src/services/world/job.ts";
import type { Pod } from "../../../../src/services/world/pod.ts";
import {
  simulatedCluster,
  type SimulatedCluster,
  type SimulatedClusterOptions,
} from "../../../../src/services/world/SimulatedCluster.ts";
import { OLD_IMAGE, PUNCTUAL } from "./machine.ts";

export const NAMESPACE = "default";

const namespaceOf = (resource: Resource) => (resource.namespaced ? NAMESPACE : undefined);

export interface Town {
  readonly world: World;
  readonly fake: FakeCluster;
  readonly cluster: SimulatedCluster;
  readonly commits: ReadonlyArray<Commit>;
  readonly hostLog: ReadonlyArray<HostEvent>;
  /** Lets so many seconds pass. */
  readonly pass: (seconds: number) => void;
  /** Lets time pass until something holds; fails loudly when that takes longer than `seconds`. */
  readonly until: (what: string, holds: () => boolean, seconds?: number) => void;
  /** The user asks the API server; a refusal throws. */
  readonly ask: (request: KubeRequest) => KubeObject;
  readonly create: (resource: Resource, object: NewKubeObject) => KubeObject;
  readonly remove: (resource: Resource, name: string, options?: object) => void;
  readonly patch: (resource: Resource, name: string, patch: object) => KubeObject;
  readonly pods: () => ReadonlyArray<Pod>;
  readonly pod: (name: string) => Pod | undefined;
  readonly job: (name: string) => Job | undefined;
}

export interface TownOptions extends Partial<Omit<SimulatedClusterOptions, "world" | "cluster">> {
  readonly seed?: number;
  readonly workers?: number;
  readonly behaviour?: Partial<NodeBehaviour>;
  readonly admission?: ReadonlyArray<Admission>;
}

/** `cp-1` and some workers, whose delays are known exactly unless said otherwise. */
export const town = (options: TownOptions = {}): Town => {
  const world = new World({ seed: options.seed ?? 1, startAt: Date.UTC(2026, 0, 1) });
  const chance = world.process("uids").chance("uids");
  const fake = new FakeCluster({
    now: () => world.now,
    chance: () => chance.next(),
    crds: crds(),
    admission: options.admission,
  });
  const commits: Array<Commit> = [];
  fake.onCommit((commit) => commits.push(commit));
  const names = [
    "cp-1",
    ...Array.from({ length: options.workers ?? 1 }, (_, i) => `worker-${i + 1}`),
  ];
  const cluster = simulatedCluster({
    nodes: names.map((name) => ({
      name,
      controlPlane: name.startsWith("cp"),
      image: OLD_IMAGE,
      behaviour: { ...PUNCTUAL, ...options.behaviour },
    })),
    rebootAgent: () => Effect.never,
    statusSeconds: [1, 1],
    readySeconds: [3, 3],
    jobReactionSeconds: [0.01, 0.01],
    jobSettleSeconds: [0.5, 0.5],
    collectorReactionSeconds: [1, 1],
    ...options,
    world,
    cluster: fake,
  });
  const clock = world.process("clock");
  const pass = (seconds: number) => {
    const cancel = clock.after(seconds * 1000, () => {});
    world.run({ done: () => false, until: world.now + seconds * 1000 });
    cancel();
  };
  const until = (what: string, holds: () => boolean, seconds = 3600) => {
    const outcome = world.run({ done: holds, until: world.now + seconds * 1000 });
    if (outcome !== "done") throw new Error(`${what}: not within ${seconds} s (${outcome})`);
  };
  const ask = (request: KubeRequest) => {
    const answer = fake.handle("user", request);
    if (!answer.ok) throw new Error(`${answer.status.reason}: ${answer.status.message}`);
    return answer.object as KubeObject;
  };
  const pods = () => [...fake.objects(Pods)] as ReadonlyArray<KubeObject> as ReadonlyArray<Pod>;
  return {
    world,
    fake,
    cluster,
    commits,
    hostLog: cluster.hostLog,
    pass,
    until,
    ask,
    create: (resource, object) =>
      ask({ verb: "create", resource, namespace: namespaceOf(resource), body: object }),
    remove: (resource, name, body = {}) =>
      void ask({
        verb: "delete",
        resource,
        namespace: namespaceOf(resource),
        name,
        body: { propagationPolicy: "Background", ...body },
      }),
    patch: (resource, name, patch) =>
      ask({
        verb: "patch",
        resource,
        namespace: namespaceOf(resource),
        name,
        patchType: "application/merge-patch+json",
        body: patch,
      }),
    pods,
    pod: (name) => pods().find(({ metadata }) => metadata.name === name),
    job: (name) => fake.object(Jobs, { namespace: NAMESPACE, name }) as Job | undefined,
  };
};
