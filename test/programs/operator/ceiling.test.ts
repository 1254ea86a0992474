/** `--max-unavailable`: a ceiling over all operations, exact whoever acts, and never a reason to wait for ever. */
import { Result } from "effect";
import { describe, expect, it } from "@effect/vitest";
import { type Book, readBook, writeBook } from "../../../src/domain/ceiling/book.ts";
import { parseCeiling } from "../../../src/domain/ceiling/limit.ts";
import { holder } from "../../../src/domain/labels.ts";
import { Leases, NodeOps, Nodes } from "../../../src/domain/kube/resource.ts";
import { operator } from "../../../src/programs/operator/operator.ts";
import {
  deliver,
  type Interception,
  type Interceptor,
} from "../../../src/services/simulation/interception.ts";
import { shuffling } from "../../../src/services/simulation/schedule.ts";
import { Chance } from "../../../src/services/simulation/World.ts";
import { rightBefore, Scene, titleOf } from "./harness.ts";

const NODES = ["cp-1", "worker-1", "worker-2", "worker-3"];
const NAMESPACE = "operator-system";

const below = (ceiling: string) =>
  operator({
    ceiling: { ceiling: Result.getOrThrow(parseCeiling(ceiling)), namespace: NAMESPACE },
  });

const selecting = (...names: ReadonlyArray<string>) => ({
  nodeSelector: {
    matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: names }],
  },
});

/** Two operations over half of the nodes each, which could all start at once. */
const twoOperations = (scene: Scene, nodes = NODES): void => {
  const half = nodes.length / 2;
  scene.createOperation({ concurrency: 0, ...selecting(...nodes.slice(0, half)) }, "one");
  scene.createOperation({ concurrency: 0, ...selecting(...nodes.slice(half)) }, "other");
};

const untilBothEnded = (scene: Scene): void => {
  scene.untilEnded("one");
  scene.untilEnded("other");
};

const phases = (scene: Scene) => [scene.status("one").phase, scene.status("other").phase];

const book = (scene: Scene) =>
  readBook(
    scene.fake.object(Leases, { namespace: NAMESPACE, name: "nodeop-ceiling" })?.metadata
      .annotations?.["operator.kairos.io/in-flight"],
  );

/** A book that is there already: then it is not the creation that excludes. */
const makeBook = (scene: Scene, lines: Book = []): void =>
  void scene.ask({
    verb: "create",
    resource: Leases,
    namespace: NAMESPACE,
    body: {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: {
        name: "nodeop-ceiling",
        namespace: NAMESPACE,
        annotations: { "operator.kairos.io/in-flight": writeBook(lines) },
      },
      spec: {},
    },
  });

const waits = (scene: Scene, name: string) => scene.status(name).message ?? "";

/** What happens once to the K-th write to the book or claim, by whatever is written there. */
const disturbed = (at: number, interception: Interception): Interceptor => {
  let count = 0;
  return ({ request }) => {
    const title = titleOf(request);
    const isAboutIt = /^(?:create|patch) (?:leases|nodeops\/status)$/u.test(title);
    return isAboutIt && ++count === at ? interception : deliver;
  };
};

const DISTURBANCES: ReadonlyArray<Interception> = [
  { kind: "KillBefore" },
  { kind: "KillAfter" },
  { kind: "LoseRequest" },
  { kind: "LoseAnswer" },
  { kind: "Hold", until: { laterWrites: 1 }, sender: "givesUp" },
  { kind: "Hold", until: { laterWrites: 3 }, sender: "dies" },
];

describe("a ceiling", () => {
  it("is kept over two operations, by one operator", () => {
    const scene = new Scene({ nodes: NODES, laws: { ceiling: 1 } });
    twoOperations(scene);
    scene.startOperator({ program: below("1") });
    untilBothEnded(scene);
    expect(phases(scene)).toEqual(["Completed", "Completed"]);
    expect(scene.violations()).toEqual([]);
  });

  it.each(Array.from({ length: 6 }, (_, index) => index + 1))(
    "is kept over two operations by two operators at once, seed %i",
    (seed) => {
      const scene = new Scene({
        seed,
        nodes: NODES,
        laws: { ceiling: 2 },
        schedule: () => shuffling(new Chance(seed)),
      });
      if (seed % 2 === 0) makeBook(scene);
      twoOperations(scene);
      scene.startOperator({ program: below("50%") });
      scene.startOperator({ actor: "operator-b", program: below("50%") });
      untilBothEnded(scene);
      expect(phases(scene)).toEqual(["Completed", "Completed"]);
      expect(scene.violations()).toEqual([]);
    },
  );

  it.each(DISTURBANCES)(
    "is kept whichever of its writes meets %j",
    (interception) => {
      const failures: Array<string> = [];
      for (let at = 1; at <= 7; at++) {
        const scene = new Scene({ seed: at, nodes: ["cp-1", "worker-1"], laws: { ceiling: 1 } });
        if (at % 2 === 0) makeBook(scene);
        twoOperations(scene, ["cp-1", "worker-1"]);
        const intercept = disturbed(at, interception);
        const first = scene.startOperator({ program: below("1"), intercept });
        scene.startOperator({ actor: "operator-b", program: below("1") });
        scene.pass(1200);
        if (!first.alive) scene.startOperator({ program: below("1") });
        untilBothEnded(scene);
        if (phases(scene).join() !== "Completed,Completed")
          failures.push(`${at}: ${phases(scene).join()}`);
        for (const law of scene.violations()) failures.push(`${at}: ${law}`);
      }
      expect(failures).toEqual([]);
    },
    30_000,
  );

  it("says whom it waits for, and goes on when that one is available again", () => {
    const scene = new Scene({ nodes: NODES, laws: { ceiling: 1 } });
    scene.patch(Nodes, "worker-3", { spec: { unschedulable: true } });
    scene.createOperation(selecting("cp-1"));
    scene.startOperator({ program: below("1") });
    scene.until("it is told", () => waits(scene, "op").includes("--max-unavailable"));
    expect(waits(scene, "op")).toBe(
      "Waiting for cp-1: the operator's --max-unavailable is 1: worker-3 is in flight or unavailable",
    );
    scene.pass(600);
    expect(scene.marks("cp-1")).toBe("");
    scene.patch(Nodes, "worker-3", { spec: { unschedulable: false } });
    scene.until("it is claimed", () => scene.status().nodeStatuses?.["cp-1"] !== undefined, 2);
    scene.untilEnded();
    expect(scene.violations()).toEqual([]);
  });

  it("is not used up by an operation that is deleted in the middle", () => {
    const scene = new Scene({ nodes: NODES, laws: { ceiling: 1 } });
    twoOperations(scene);
    scene.startOperator({ program: below("1") });
    scene.until("one works", () => scene.marks("cp-1") !== "" || scene.marks("worker-2") !== "");
    const [first, second] = scene.marks("cp-1") === "" ? ["other", "one"] : ["one", "other"];
    scene.delete(NodeOps, first);
    scene.untilEnded(second);
    expect(scene.status(second).phase).toBe("Completed");
    expect(scene.violations()).toEqual([]);
  });

  it("does not wait for a line of its own that a crash has left for another node", () => {
    const scene = new Scene({ nodes: NODES, laws: { ceiling: 1 } });
    scene.createOperation({ concurrency: 1, ...selecting("cp-1", "worker-1") });
    const leave = (): void => {
      const { name, namespace = "", uid, resourceVersion } = scene.operation()!.metadata;
      const by = holder({ name, namespace, uid });
      makeBook(scene, [{ node: "worker-1", by, at: resourceVersion }]);
    };
    const intercept = rightBefore((title) => title === "create leases", leave);
    scene.startOperator({ program: below("1"), intercept });
    scene.until("cp-1 is claimed", () => scene.status().nodeStatuses?.["cp-1"] !== undefined, 10);
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(scene.violations().filter((law) => !law.startsWith("WorkConserving"))).toEqual([]);
  });

  it("is emptied by the sweep once nothing is in flight", () => {
    const scene = new Scene({ nodes: NODES, laws: { ceiling: 1 } });
    twoOperations(scene);
    scene.startOperator({ program: below("1") });
    untilBothEnded(scene);
    expect(book(scene)).toHaveLength(1);
    scene.pass(11 * 60);
    expect(book(scene)).toEqual([]);
    expect(scene.violations()).toEqual([]);
  });

  it("costs nothing where there is none", () => {
    const scene = new Scene({ nodes: NODES });
    twoOperations(scene);
    scene.startOperator();
    untilBothEnded(scene);
    expect(scene.requests.filter(({ request }) => titleOf(request).includes("lease"))).toEqual([]);
  });
});
