/** Watches: semantic 13 of reliability.md (c), and the indexes that keep a thousand of them cheap. */
import { describe, expect, it } from "@effect/vitest";
import { Nodes, Pods } from "../../../src/domain/kube/resource.ts";
import { failure } from "../../../src/services/fake/status.ts";
import {
  at,
  ConfigMaps,
  configMap,
  foo,
  Foos,
  pod,
  said,
  type Seen,
  TestCluster,
} from "./support.ts";

const labelled = (name: string, z: string) =>
  configMap(name, { metadata: { name, labels: { z } } });

describe("a watch", () => {
  it("(c)13 without a version, or from 0, begins with what exists", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("b"));
    t.create(ConfigMaps, configMap("a"));
    const fromNothing = t.watch(ConfigMaps);
    const fromZero = t.watch(ConfigMaps, { resourceVersion: "0" });
    t.patch(ConfigMaps, "a", { data: { k: "w" } });
    for (const watch of [fromNothing, fromZero]) {
      expect(watch.frames.map(said)).toEqual(["ADDED a@2", "ADDED b@1", "MODIFIED a@3"]);
    }
  });

  it("(c)13 from a version replays what came after it, in order, and goes on", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    t.create(ConfigMaps, configMap("b"));
    t.patch(ConfigMaps, "a", { data: { k: "w" } });
    t.delete(ConfigMaps, "b");
    const watch = t.watch(ConfigMaps, { resourceVersion: "1" });
    t.create(ConfigMaps, configMap("c"));
    expect(watch.frames.map(said)).toEqual([
      "ADDED b@2",
      "MODIFIED a@3",
      "DELETED b@4",
      "ADDED c@5",
    ]);
  });

  it("(c)13 DELETED carries the version of the deletion", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    const watch = t.watch(ConfigMaps, { resourceVersion: "1" });
    t.delete(ConfigMaps, "a");
    expect(watch.frames.map(said)).toEqual(["DELETED a@2"]);
    expect(at(watch.frames[0]?.object, "data")).toEqual({ k: "a" });
  });

  it("(c)13 entering a selection is ADDED, leaving it DELETED with the last state that matched", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, labelled("a", "in"));
    t.create(ConfigMaps, labelled("b", "out"));
    const live = t.watch(ConfigMaps, { resourceVersion: "2", labelSelector: "z=in" });
    t.patch(ConfigMaps, "a", { metadata: { labels: { z: "out" } }, data: { k: "changed" } });
    t.patch(ConfigMaps, "b", { metadata: { labels: { z: "in" } } });
    t.patch(ConfigMaps, "b", { data: { k: "changed" } });
    t.patch(ConfigMaps, "a", { data: { k: "unseen" } });
    t.delete(ConfigMaps, "b");
    const replayed = t.watch(ConfigMaps, { resourceVersion: "2", labelSelector: "z=in" });
    const expected = ["DELETED a@3", "ADDED b@4", "MODIFIED b@5", "DELETED b@7"];
    expect(live.frames.map(said)).toEqual(expected);
    expect(replayed.frames).toEqual(live.frames);
    expect(at(live.frames[0]?.object, "data")).toEqual({ k: "a" });
  });

  it("(c)13 of one node's Pods sees a Pod when it is bound to the node", () => {
    const t = new TestCluster();
    const mine = t.watch(Pods, { fieldSelector: "spec.nodeName=n1" });
    const others = t.watch(Pods, { fieldSelector: "spec.nodeName!=n1" });
    t.create(Pods, pod("a", { nodeName: "n1" }));
    t.create(Pods, pod("b", { nodeName: "n2" }));
    t.create(Pods, pod("c"));
    t.delete(Pods, "a", { gracePeriodSeconds: 0 });
    expect(mine.frames.map(said)).toEqual(["ADDED a@1", "MODIFIED a@4", "DELETED a@5"]);
    expect(others.frames.map(said)).toEqual(["ADDED b@2", "ADDED c@3"]);
  });

  it("(c)13 of one name, one namespace, all namespaces sees exactly these", () => {
    const t = new TestCluster();
    const named = t.watch(ConfigMaps, { fieldSelector: "metadata.name=a" });
    const here = t.watch(ConfigMaps, { namespace: "default" });
    const both = t.watch(ConfigMaps, { namespace: "other", fieldSelector: "metadata.name=a" });
    const all = t.watch(ConfigMaps);
    t.create(ConfigMaps, configMap("a"));
    t.create(ConfigMaps, configMap("b"));
    t.ask("create", ConfigMaps, { namespace: "other", body: configMap("a") });
    expect(named.frames.map(said)).toEqual(["ADDED a@1", "ADDED a@3"]);
    expect(here.frames.map(said)).toEqual(["ADDED a@1", "ADDED b@2"]);
    expect(both.frames.map(said)).toEqual(["ADDED a@3"]);
    expect(all.frames.map(said)).toEqual(["ADDED a@1", "ADDED b@2", "ADDED a@3"]);
  });

  it("(c)13 sees only its own resource", () => {
    const t = new TestCluster();
    const watch = t.watch(Nodes);
    t.create(ConfigMaps, configMap("a"));
    expect(watch.frames).toEqual([]);
  });

  it("(c)13 from the future waits for it", () => {
    const t = new TestCluster();
    const watch = t.watch(ConfigMaps, { resourceVersion: "2" });
    t.create(ConfigMaps, configMap("a"));
    t.create(ConfigMaps, configMap("b"));
    t.create(ConfigMaps, configMap("c"));
    expect(watch.frames.map(said)).toEqual(["ADDED c@3"]);
  });
});

describe("history", () => {
  it("(c)13 from before what is kept is 410 Expired", () => {
    const t = new TestCluster();
    for (const name of ["a", "b", "c"]) t.create(ConfigMaps, configMap(name));
    t.cluster.compact(2);
    expect(t.watchRefusal(ConfigMaps, { resourceVersion: "1" })).toMatchObject({
      code: 410,
      reason: "Expired",
      message: "too old resource version: 1 (2)",
    });
    expect(t.watch(ConfigMaps, { resourceVersion: "2" }).frames.map(said)).toEqual(["ADDED c@3"]);
  });

  it("(c)13 is kept for one to two compaction intervals of the cluster's clock", () => {
    const t = new TestCluster({ compactionInterval: 1000 });
    const step = (millis: number, name: string) => {
      t.now += millis;
      t.create(ConfigMaps, configMap(name));
    };
    step(0, "a");
    step(999, "b");
    step(1, "c");
    expect(t.watch(ConfigMaps, { resourceVersion: "1" }).frames).toHaveLength(2);
    step(1000, "d");
    expect(t.watchRefusal(ConfigMaps, { resourceVersion: "2" }).reason).toBe("Expired");
    expect(t.watch(ConfigMaps, { resourceVersion: "3" }).frames.map(said)).toEqual(["ADDED d@4"]);
  });
});

describe("bookmarks", () => {
  it("(c)13 come only to those who asked, and say how far everybody is", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    const asking = t.watch(ConfigMaps, { resourceVersion: "1", allowWatchBookmarks: true });
    const silent = t.watch(ConfigMaps, { resourceVersion: "1" });
    t.create(Foos, foo("x"));
    t.cluster.bookmark();
    t.cluster.bookmark();
    expect(asking.frames).toEqual([
      {
        type: "BOOKMARK",
        object: { apiVersion: "v1", kind: "ConfigMap", metadata: { resourceVersion: "2" } },
      },
    ]);
    expect(silent.frames).toEqual([]);
  });

  it("(c)13 one marks the end of the initial events", () => {
    const t = new TestCluster();
    t.create(ConfigMaps, configMap("a"));
    const watch = t.watch(ConfigMaps, { allowWatchBookmarks: true });
    expect(watch.frames.map(said)).toEqual(["ADDED a@1", "BOOKMARK @1"]);
    expect(at(watch.frames[1]?.object, "metadata", "annotations")).toEqual({
      "k8s.io/initial-events-end": "true",
    });
  });
});

describe("the end of a watch", () => {
  it("(c)13 the server closes cleanly or with a Status, and then says no more", () => {
    const t = new TestCluster();
    const maps = t.watch(ConfigMaps);
    const nodes = t.watch(Nodes);
    const end = failure(500, "InternalError", "etcd is gone");
    t.cluster.closeWatches({ resource: ConfigMaps });
    t.cluster.closeWatches({ end });
    t.create(ConfigMaps, configMap("a"));
    expect([maps.ends, nodes.ends]).toEqual([[undefined], [end]]);
    expect(maps.frames).toEqual([]);
    expect(t.cluster.openWatches()).toBe(0);
  });

  it("(c)13 a client that hangs up hears nothing more, not even the end", () => {
    const t = new TestCluster();
    const watch = t.watch(Pods, { fieldSelector: "spec.nodeName=n1" });
    watch.close();
    watch.close();
    t.create(Pods, pod("a", { nodeName: "n1" }));
    t.cluster.closeWatches();
    expect([watch.frames, watch.ends, t.cluster.openWatches(Pods)]).toEqual([[], [], 0]);
  });

  it("(c)13 only the watches of one actor are closed when asked so", () => {
    const t = new TestCluster();
    const watch = t.watch(ConfigMaps);
    t.cluster.closeWatches({ actor: "somebody else" });
    expect(watch.ends).toEqual([]);
    t.cluster.closeWatches({ actor: "watcher" });
    expect(watch.ends).toEqual([undefined]);
  });
});

describe("order", () => {
  it("(c)13 a client that writes while it is told does not make others see the effect first", () => {
    const t = new TestCluster();
    const seen: Array<string> = [];
    t.cluster.watch(
      "eager",
      { resource: ConfigMaps },
      {
        frames: ([frame]) => {
          if (at(frame?.object, "metadata", "name") === "a") t.create(ConfigMaps, configMap("b"));
        },
        closed: () => {},
      },
    );
    const late = t.watch(ConfigMaps);
    t.cluster.onCommit((commit) => seen.push(commit.name));
    t.create(ConfigMaps, configMap("a"));
    expect(late.frames.map(said)).toEqual(["ADDED a@1", "ADDED b@2"]);
    expect(seen).toEqual(["a", "b"]);
  });

  it("(c)13 a watch opened while a commit is told begins with all there is, and hears nothing twice", () => {
    const t = new TestCluster();
    const opened: Array<Seen> = [];
    const sink = {
      frames: () => {
        if (opened.length > 0) return;
        t.create(ConfigMaps, configMap("b"));
        opened.push(t.watch(ConfigMaps));
      },
      closed: () => {},
    };
    t.cluster.watch("eager", { resource: ConfigMaps }, sink);
    t.create(ConfigMaps, configMap("a"));
    t.create(ConfigMaps, configMap("c"));
    expect(opened[0]?.frames.map(said)).toEqual(["ADDED a@1", "ADDED b@2", "ADDED c@3"]);
  });

  it("(c)13 no bookmark overtakes a commit, not even one that falls due while it is told", () => {
    const t = new TestCluster({ compactionInterval: 1000 });
    const sink = {
      frames: () => {
        if (t.cluster.resourceVersion > 1) return;
        t.now += 1000;
        t.create(ConfigMaps, configMap("b"));
      },
      closed: () => {},
    };
    t.cluster.watch("eager", { resource: ConfigMaps }, sink);
    const late = t.watch(ConfigMaps, { allowWatchBookmarks: true, resourceVersion: "0" });
    t.create(ConfigMaps, configMap("a"));
    expect(late.frames.slice(1).map(said)).toEqual(["ADDED a@1", "ADDED b@2"]);
  });
});
