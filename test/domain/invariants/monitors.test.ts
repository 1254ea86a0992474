/** The monitors as a whole: what they report, that correct histories pass all laws, and what they cost. */
import { readdirSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { describe, expect, it } from "@effect/vitest";
import { LAWS } from "../../../src/domain/invariants/laws.ts";
import { makeMonitors, type Monitors } from "../../../src/domain/invariants/makeMonitors.ts";
import { Nodes } from "../../../src/domain/kube/resource.ts";
import { History } from "./history.ts";

/** Keeps a history instead of judging it. */
const recording = (): {
  readonly monitors: Monitors;
  readonly replay: (to: Monitors) => void;
  count: () => number;
} => {
  const steps: Array<(to: Monitors) => void> = [];
  let commits = 0;
  const monitors: Monitors = {
    commit: (commit) => {
      commits++;
      steps.push((to) => to.commit(commit));
    },
    host: (event) => steps.push((to) => to.host(event)),
    operator: (up, at) => steps.push((to) => to.operator(up, at)),
    finish: (at) => steps.push((to) => to.finish(at)),
    violations: [],
    laws: 0,
  };
  return { monitors, replay: (to) => steps.forEach((step) => step(to)), count: () => commits };
};

/** A fleet upgraded `concurrency` at a time, its kubelets writing now and then, all without a fault. */
const fleet = (nodes: number, concurrency: number, chatter: number, to: Monitors): void => {
  const h = new History({}, to);
  const names = Array.from({ length: nodes }, (_, index) => `n-${index}`);
  for (const [index, name] of names.entries()) h.node(name, { controlPlane: index < 3 });
  // One after the other, the nodes of a batch take longer than any deadline.
  const deadlines = { upgradeSeconds: 0, rebootSeconds: 0 };
  const op = h.operation("up", { concurrency, deadlines });
  for (let first = 0; first < nodes; first += concurrency) {
    const batch = names.slice(first, first + concurrency);
    h.claim(op, batch);
    const works = batch.map((name) => h.prepare(op, name));
    for (const work of works) h.startScript(work);
    for (const work of works) {
      h.endScript(work);
      h.sentinel(work);
      h.complete(work);
      h.rebootNode(work);
      h.release(work.node);
    }
    const done = Object.fromEntries(
      batch.map((name) => [name, { phase: "Completed" as const, nodeUID: `node-${name}` }]),
    );
    h.status(op, done);
    for (const name of batch) for (let n = 0; n < chatter; n++) h.ready(name, true);
  }
  h.end(op);
  h.finish();
};

describe("makeMonitors", () => {
  it("has every law once, each with a sentence", () => {
    expect(new Set(LAWS.map(({ law }) => law)).size).toBe(LAWS.length);
    expect(makeMonitors().laws).toBe(LAWS.length);
    for (const { says } of LAWS) expect(says).toMatch(/^[A-Z].*\.$/u);
  });
  it("has a group of tests for each law, in which some history breaks it", () => {
    const folder = new URL(".", import.meta.url);
    const groups = readdirSync(folder)
      .filter((file) => file.endsWith(".test.ts"))
      .flatMap((file) =>
        readFileSync(new URL(file, folder), "utf8")
          .split(/^describe\(/mu)
          .slice(1),
      );
    const broken = groups
      .filter((group) => group.includes("is broken"))
      .map((group) => group.slice(1, group.indexOf('"', 1)));
    expect(LAWS.map(({ law }) => law).filter((law) => !broken.includes(law))).toEqual([]);
  });
  it("says which law was broken, at which resourceVersion and when", () => {
    const h = new History();
    h.node("a");
    h.node("b");
    h.wait(5).claim(h.operation("up", { concurrency: 1 }), ["a", "b"]);
    expect(h.monitors.violations).toEqual([
      {
        law: "Concurrency",
        message: "NodeOp default/up claimed a, b: 2 nodes in flight (a, b), concurrency is 1",
        rv: 4,
        at: 1_000_005,
      },
    ]);
  });
  it("gives a violation of passing time no resourceVersion", () => {
    const h = new History();
    h.node("a");
    h.operation("up");
    h.wait(2000).finish();
    expect(h.monitors.violations).toMatchObject([{ law: "WorkConserving", rv: undefined }]);
  });
  it("finds nothing in a fleet that is upgraded by the rules, in any batch size", () => {
    for (const concurrency of [1, 3, 7]) {
      const monitors = makeMonitors();
      fleet(7, concurrency, 1, monitors);
      expect(monitors.violations).toEqual([]);
    }
  });
  it("ignores objects that are none of an operation", () => {
    const h = new History();
    const node = h.node("a");
    h.create(
      { ...Nodes, group: "example.com", plural: "nodes" },
      "a",
      {},
      { spec: { unschedulable: true } },
    );
    h.remove(node, { actor: "user" });
    expect(h.finish().broken()).toEqual([]);
  });
  it("judges 100,000 commits of 1,000 nodes in time", { timeout: 60_000 }, () => {
    const log = recording();
    fleet(1000, 100, 90, log.monitors);
    const monitors = makeMonitors();
    const start = performance.now();
    log.replay(monitors);
    const millis = performance.now() - start;
    expect(monitors.violations).toEqual([]);
    expect(log.count()).toBeGreaterThan(100_000);
    // The budget is 1.5 s on an idle core, twice that on a busy one; a cost per node or per entry would be ten times as much.
    expect(millis).toBeLessThan(3000);
  });
});
