/** The laws of the cache behind the simulated controllers: it ends up equal to the server's state, whatever breaks. */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import type { KubeObject, NewKubeObject } from "../../../src/domain/kube/object.ts";
import { ServiceAccounts } from "../../../src/domain/kube/resource.ts";
import type { ApiServer } from "../../../src/services/ApiServer.ts";
import { FakeCluster } from "../../../src/services/fake/FakeCluster.ts";
import { simTransport } from "../../../src/services/simulation/SimTransport.ts";
import type { Interceptor } from "../../../src/services/simulation/interception.ts";
import { World } from "../../../src/services/simulation/World.ts";
import { Mirror } from "../../../src/services/world/Mirror.ts";

const account = (name: string): NewKubeObject => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name, namespace: "default" },
});

const say = (object: KubeObject): string => object.metadata.labels?.["v"] ?? "-";

/** A mirror of the ServiceAccounts of a server, in a process of its own. */
const reflection = (
  options: { readonly interceptor?: Interceptor; readonly hangsUp?: boolean } = {},
) => {
  const world = new World({ seed: 1 });
  const chance = world.process("uids").chance("uids");
  const fake = new FakeCluster({ now: () => world.now, chance: () => chance.next() });
  const changes: Array<string> = [];
  let opened = 0;
  const mirror = new Mirror({
    resource: ServiceAccounts,
    is: (object): object is KubeObject => object.kind === "ServiceAccount",
    onChange: ({ before, after }) => {
      const name = (after ?? before)?.metadata.name;
      changes.push(`${name} ${before ? say(before) : "none"} to ${after ? say(after) : "none"}`);
    },
  });
  const process = world.process("controller");
  const server = world.process("api-server");
  const cluster: ApiServer = {
    handle: (actor, request, sentAt) => fake.handle(actor, request, sentAt),
    watch: (actor, request, sink) => {
      opened++;
      const open = fake.watch(actor, request, sink);
      if (options.hangsUp === true) fake.closeWatches();
      return open;
    },
  };
  const { interceptor } = options;
  const transport = simTransport({ server, cluster, process, actor: "c", interceptor });
  process.boot(Effect.provide(mirror.run, transport));
  const clock = world.process("clock");
  const settle = (seconds = 60) => {
    clock.after(seconds * 1000, () => {});
    world.run({ done: () => false, until: world.now + seconds * 1000 });
  };
  const ask = (request: Omit<Parameters<FakeCluster["handle"]>[1], "resource" | "namespace">) => {
    const answer = fake.handle("user", {
      ...request,
      resource: ServiceAccounts,
      namespace: "default",
    });
    if (!answer.ok) throw new Error(answer.status.message);
    return answer.object as KubeObject;
  };
  return {
    world,
    fake,
    mirror,
    changes,
    opened: () => opened,
    settle,
    create: (name: string) => ask({ verb: "create", body: account(name) }),
    label: (name: string, v: string) =>
      ask({
        verb: "patch",
        name,
        patchType: "application/merge-patch+json",
        body: { metadata: { labels: { v } } },
      }),
    remove: (name: string) => ask({ verb: "delete", name, body: {} }),
    cached: () =>
      [...mirror.objects.values()]
        .map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
        .toSorted(),
    stored: () =>
      [...fake.objects(ServiceAccounts)]
        .map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)
        .toSorted(),
  };
};

describe("Mirror", () => {
  it("follows every change, each reported once", () => {
    const at = reflection();
    at.create("a");
    at.settle();
    at.label("a", "1");
    at.create("b");
    at.settle();
    at.remove("a");
    at.settle();
    expect(at.changes).toEqual(["a none to -", "a - to 1", "b none to -", "a 1 to none"]);
    expect(at.cached()).toEqual(at.stored());
  });

  it("goes on after the server closed its watch, from where it was", () => {
    const at = reflection();
    at.create("a");
    at.settle();
    at.fake.closeWatches();
    at.label("a", "1");
    at.create("b");
    at.settle();
    expect(at.changes).toEqual(["a none to -", "a - to 1", "b none to -"]);
  });

  it("lists again when its version is too old, and tells what went meanwhile", () => {
    const at = reflection();
    at.create("gone");
    at.create("kept");
    at.settle();
    at.changes.length = 0;
    at.fake.closeWatches();
    at.remove("gone");
    at.label("kept", "1");
    at.create("new");
    at.fake.compact(at.fake.resourceVersion);
    at.settle();
    expect(at.changes.toSorted()).toEqual(["gone - to none", "kept - to 1", "new none to -"]);
    expect(at.cached()).toEqual(at.stored());
  });

  it("tries again for ever when the server cannot be reached", () => {
    const at = reflection({
      interceptor: ({ number }) => ({ kind: number < 20 ? "LoseRequest" : "Deliver" }),
    });
    at.create("a");
    at.settle(60);
    expect(at.mirror.listed).toBe(false);
    at.settle(600);
    expect(at.cached()).toEqual(at.stored());
  });

  it("a watch that ends again and again is opened again ever more slowly", () => {
    const at = reflection({ hangsUp: true });
    at.settle(600);
    expect(at.opened()).toBeGreaterThan(20);
    expect(at.opened()).toBeLessThan(100);
  });

  it("shows an own write at once, and never resurrects what is deleted", () => {
    const at = reflection();
    at.settle();
    const created = at.create("a");
    at.mirror.observe(created);
    expect(at.changes).toEqual(["a none to -"]);
    at.settle();
    expect(at.changes).toEqual(["a none to -"]);
    at.remove("a");
    at.settle();
    at.mirror.observe(created);
    expect(at.changes).toEqual(["a none to -", "a - to none"]);
    expect(at.cached()).toEqual([]);
  });
});
