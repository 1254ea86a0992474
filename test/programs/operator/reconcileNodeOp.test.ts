/** The reconciler against a server that answers anything at any time: what is stored first, what is refused, what is adopted. */
import { describe, expect, it } from "@effect/vitest";
import type { Commit } from "../../../src/domain/history.ts";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import { Jobs, NodeOps, Pods } from "../../../src/domain/kube/resource.ts";
import { childNames } from "../../../src/domain/names.ts";
import { forbidden } from "../../../src/services/fake/status.ts";
import type { KubeRequest } from "../../../src/services/KubeTransport.ts";
import { deliver, type Interceptor } from "../../../src/services/simulation/interception.ts";
import { isDryRun, rightBefore, Scene, titleOf } from "./harness.ts";

const CHILDREN = new Set(["pods", "jobs", "nodes"]);
const isOperators = ({ actor }: Commit): boolean => actor === "operator";
const entryIn = ({ after }: Commit, node: string): unknown =>
  (after?.["status"] as { readonly nodeStatuses?: Record<string, unknown> } | undefined)
    ?.nodeStatuses?.[node];

/** The index of the first commit that is so. */
const firstOf = (commits: ReadonlyArray<Commit>, is: (commit: Commit) => boolean): number => {
  const index = commits.findIndex(is);
  expect(index).toBeGreaterThanOrEqual(0);
  return index;
};

const isResume = ({ verb, resource, body }: KubeRequest): boolean =>
  verb === "patch" &&
  resource === Jobs &&
  (body as { readonly spec?: { readonly suspend?: boolean } }).spec?.suspend === false;
const isGrant = ({ verb, resource, body }: KubeRequest): boolean =>
  verb === "patch" &&
  resource === Pods &&
  JSON.stringify(body).includes("kairos.io/reboot-granted");

/** Kills the operator the first time it is about to send such a request. */
const killBefore = (is: (request: KubeRequest) => boolean): Interceptor => {
  let isDone = false;
  return ({ request }) => {
    if (isDone || !is(request)) return deliver;
    isDone = true;
    return { kind: "KillBefore" };
  };
};

const namesOf = (scene: Scene) =>
  childNames(scene.operation()!.metadata, scene.node("worker-1").metadata);

describe("claim before act", () => {
  it("the finalizer is stored before the claim, and the claim before anything on the node or for it", () => {
    const scene = new Scene();
    scene.createOperation();
    scene.startOperator();
    scene.untilEnded();
    const own = scene.commits.filter(isOperators);
    const finalizer = firstOf(own, ({ after }) => after?.metadata.finalizers?.length === 1);
    const claim = firstOf(own, (commit) => entryIn(commit, "worker-1") !== undefined);
    const acted = firstOf(own, ({ resource }) => CHILDREN.has(resource.plural));
    expect([finalizer < claim, claim < acted]).toEqual([true, true]);
    expect(scene.status().phase).toBe("Completed");
    expect(scene.violations()).toEqual([]);
  });

  it("a 409 on the claim: nothing else is done in that pass, and the next one is right", () => {
    const scene = new Scene();
    scene.createOperation();
    scene.startOperator({
      intercept: rightBefore(
        (title) => title === "patch nodeops/status",
        () => {
          scene.patch(NodeOps, "op", { metadata: { labels: { somebody: "was-here" } } });
        },
      ),
    });
    scene.untilEnded();
    const conflict = scene.requests.findIndex(({ failure }) => failure?.reason === "Conflict");
    const stored = scene.requests.findIndex(
      ({ request, failure }, index) =>
        index > conflict && titleOf(request) === "patch nodeops/status" && failure === undefined,
    );
    expect(conflict).toBeGreaterThanOrEqual(0);
    expect(stored).toBeGreaterThan(conflict);
    const between = scene.requests
      .slice(conflict + 1, stored)
      .map(({ request }) => titleOf(request));
    expect(between.filter((title) => !/^(?:watch|list|get nodeops)/u.test(title))).toEqual([]);
    expect(scene.status().phase).toBe("Completed");
    expect(scene.violations()).toEqual([]);
  });
});

describe("a child of that name exists already", () => {
  it.each(["pods", "jobs"])(
    "%s: made by this operation's earlier process, it is adopted",
    (plural) => {
      const scene = new Scene();
      scene.createOperation();
      let isDone = false;
      const first = scene.startOperator({
        intercept: ({ request }) => {
          if (isDone || titleOf(request) !== `create ${plural}`) return deliver;
          isDone = true;
          return { kind: "KillAfter" };
        },
      });
      scene.until("the crash", () => !first.alive);
      scene.startOperator();
      scene.untilEnded();
      const created = scene.commits.filter(
        (commit) =>
          isOperators(commit) && commit.verb === "create" && commit.resource.plural === plural,
      );
      expect(created.length).toBe(1);
      expect(scene.status().phase).toBe("Completed");
      expect(scene.violations()).toEqual([]);
    },
  );

  it.each(["Job", "Pod"])(
    "a foreign %s is told in the status, never touched, and once it is gone the work goes on",
    (kind) => {
      const scene = new Scene();
      scene.createOperation();
      const resource = kind === "Job" ? Jobs : Pods;
      const names = namesOf(scene);
      const name = kind === "Job" ? names.job : names.rebootPod;
      const pod = { containers: [{ name: "theirs", image: "theirs" }] };
      scene.ask({
        verb: "create",
        resource,
        namespace: "default",
        body: {
          apiVersion: kind === "Job" ? "batch/v1" : "v1",
          kind,
          metadata: { name, namespace: "default" },
          spec:
            kind === "Job"
              ? { suspend: true, template: { spec: { ...pod, restartPolicy: "Never" } } }
              : pod,
        },
      });
      const before = scene.fake.object(resource, { namespace: "default", name });
      scene.startOperator();
      scene.until("told", () => scene.status().nodeStatuses?.["worker-1"]?.reason === "NameTaken");
      expect(scene.status().nodeStatuses?.["worker-1"]?.message).toContain(
        `"${name}" already exists`,
      );
      scene.pass(300);
      const touched = scene.commits.filter(
        (commit) => isOperators(commit) && commit.name === name && commit.resource === resource,
      );
      expect(touched).toEqual([]);
      expect(scene.fake.object(resource, { namespace: "default", name })?.metadata.uid).toBe(
        before?.metadata.uid,
      );
      scene.ask({
        verb: "delete",
        resource,
        namespace: "default",
        name,
        body: { gracePeriodSeconds: 0, propagationPolicy: "Background" },
      });
      scene.untilEnded();
      expect(scene.status().phase).toBe("Completed");
    },
  );
});

describe("Pods that the cluster refuses to one node", () => {
  it("are told in the server's own words, and tried again at growing intervals", () => {
    let isStrict = true;
    const scene = new Scene({
      admission: [
        // Its policy came after the dry run.
        (actor, request, object) =>
          isStrict &&
          actor === "operator" &&
          request.verb === "create" &&
          request.query?.dryRun !== true &&
          object.kind === "Pod"
            ? forbidden(Pods, object.metadata.name, "violates PodSecurity: privileged")
            : undefined,
      ],
    });
    scene.createOperation();
    scene.startOperator();
    scene.until("told", () => scene.status().nodeStatuses?.["worker-1"]?.reason === "PodRefused");
    expect(scene.status().nodeStatuses?.["worker-1"]?.message).toContain(
      "violates PodSecurity: privileged",
    );
    expect(scene.status().message).toBeDefined();
    scene.pass(600);
    const tries = scene.requests
      .filter(({ request }) => titleOf(request) === "create pods" && !isDryRun(request))
      .map(({ at }) => at);
    const gaps = tries.slice(1).map((at, index) => Math.round((at - tries[index]!) / 1000));
    expect(gaps.slice(0, 7)).toEqual([1, 2, 4, 8, 16, 32, 60]);
    expect(Math.max(...gaps)).toBe(60);
    isStrict = false;
    scene.untilEnded();
    expect(scene.status().phase).toBe("Completed");
    expect(scene.violations()).toEqual([]);
  });
});

describe("irrevocable actions", () => {
  it("come right after the operation was read live or written, with nothing else in between", () => {
    const scene = new Scene({ nodes: ["cp-1", "worker-1", "worker-2"] });
    scene.createOperation({ concurrency: 2 });
    scene.startOperator();
    scene.untilEnded();
    let irrevocable = 0;
    for (const [index, { request }] of scene.requests.entries()) {
      if (request.verb === "watch" || !(isResume(request) || isGrant(request))) continue;
      irrevocable++;
      const before = scene.requests.slice(0, index).findLast(({ request: earlier }) => {
        if (earlier.verb === "watch") return false;
        return !isResume(earlier) && !isGrant(earlier);
      });
      expect(before?.failure).toBeUndefined();
      expect(["get nodeops", "patch nodeops/status"]).toContain(titleOf(before!.request));
    }
    expect(irrevocable).toBe(6);
  });

  it.each([
    ["resume", isResume],
    ["grant", isGrant],
  ])("%s: an operation deleted before the live read is not acted for", (_name, is) => {
    const scene = new Scene();
    scene.createOperation();
    const first = scene.startOperator({ intercept: killBefore(is) });
    scene.until("the crash", () => !first.alive);
    // Its next start knows of no deletion before the live read: it comes right before that is sent.
    scene.startOperator({
      intercept: rightBefore(
        (title) => title === "get nodeops",
        () => scene.delete(NodeOps, "op"),
      ),
    });
    scene.until("the operation is gone", () => scene.operation() === undefined);
    const sent = scene.requests.filter(({ request }) => request.verb !== "watch" && is(request));
    expect(sent).toEqual([]);
    expect(scene.marks("worker-1")).toBe("");
    expect(scene.violations()).toEqual([]);
  });

  it("are preceded by a live read of their own after a restart", () => {
    const scene = new Scene();
    scene.createOperation();
    const first = scene.startOperator({ intercept: killBefore(isResume) });
    scene.until("the crash", () => !first.alive);
    const known = scene.requests.length;
    scene.startOperator();
    scene.until("resumed", () =>
      scene.requests.some(({ request }) => request.verb !== "watch" && isResume(request)),
    );
    const reads = scene.requests
      .slice(known)
      .filter(({ request }) => titleOf(request) === "get nodeops");
    // The other one is the sweep's, which looks whether the node's holder still exists.
    expect(reads.length).toBe(2);
  });
});

describe("the end of the operator", () => {
  it.each(["Preparing", "Upgrading", "Rebooting"])(
    "SIGTERM while a node is %s: it stops at once, closes its watches, and the next start finishes",
    (stage) => {
      const scene = new Scene();
      scene.createOperation();
      const operator = scene.startOperator();
      scene.until(stage, () => scene.status().nodeStatuses?.["worker-1"]?.stage === stage);
      operator.interrupt();
      scene.until("the end", () => !operator.alive, 1);
      const { length } = scene.requests;
      scene.pass(30);
      expect(scene.requests.length).toBe(length);
      expect(scene.fake.openWatches(NodeOps)).toBe(1);
      scene.startOperator();
      scene.untilEnded();
      expect(scene.status().phase).toBe("Completed");
      expect(scene.violations()).toEqual([]);
    },
  );
});

/** What the garbage collector watches besides. */
const watchesOfOthers = (scene: Scene): number => scene.fake.openWatches(NodeOps);

describe("an idle operator", () => {
  it("writes nothing once all is done, and closes nothing", () => {
    const scene = new Scene();
    scene.createOperation();
    const others = watchesOfOthers(scene);
    scene.startOperator();
    scene.untilEnded();
    const writes = () =>
      scene.requests.filter(({ request }) => !["get", "list", "watch"].includes(request.verb))
        .length;
    const before = writes();
    scene.pass(7200);
    expect(writes()).toBe(before);
    expect(watchesOfOthers(scene)).toBeGreaterThan(others);
    const left: ReadonlyArray<KubeObject> = [...scene.fake.objects(Jobs)];
    // Jobs stay as long as the operation: they hold the logs.
    expect(left.length).toBe(1);
  });
});
