/** What the server knows about Pods, Jobs, Nodes and the rest. Messages were read off kube-apiserver 1.36.3. */
import { describe, expect, it } from "@effect/vitest";
import { Jobs, Namespaces, Nodes, Pods, Roles } from "../../../src/domain/kube/resource.ts";
import type { Resource } from "../../../src/domain/kube/resource.ts";
import { at, type Body, job, pod, TestCluster } from "./support.ts";

const problems = (resource: Resource, body: Body): ReadonlyArray<string> =>
  (new TestCluster().refusal("create", resource, { body }).details?.causes ?? []).map(
    (cause) => `${cause.field}: ${cause.message}`,
  );

const updateProblems = (t: TestCluster, resource: Resource, name: string, body: Body) =>
  t
    .refusal("patch", resource, { name, body })
    .details?.causes?.map((cause) => `${cause.field}: ${cause.message}`);

describe("Pods", () => {
  it("get the defaults of their spec and of admission", () => {
    const t = new TestCluster();
    const unreachable = {
      key: "node.kubernetes.io/unreachable",
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds: 300,
    };
    expect(t.create(Pods, pod("a", { nodeName: "n1" }))).toMatchObject({
      spec: {
        nodeName: "n1",
        restartPolicy: "Always",
        terminationGracePeriodSeconds: 30,
        dnsPolicy: "ClusterFirst",
        serviceAccountName: "default",
        tolerations: [{ ...unreachable, key: "node.kubernetes.io/not-ready" }, unreachable],
        containers: [{ name: "c", image: "img", imagePullPolicy: "Always" }],
      },
      status: { phase: "Pending" },
    });
  });

  it("that tolerate everything get no tolerations", () => {
    const t = new TestCluster();
    const tolerations = [{ operator: "Exists" }];
    expect(at(t.create(Pods, pod("a", { tolerations })), "spec", "tolerations")).toEqual(
      tolerations,
    );
  });

  it.each([
    ["img", "Always"],
    ["registry:5000/img:latest", "Always"],
    ["registry:5000/img", "Always"],
    ["img:v1", "IfNotPresent"],
    ["img@sha256:00", "IfNotPresent"],
  ])("pull %s %s", (image, policy) => {
    const t = new TestCluster();
    const created = t.create(Pods, pod("a", { containers: [{ name: "c", image }] }));
    expect(at(created, "spec", "containers")).toMatchObject([{ imagePullPolicy: policy }]);
  });

  it.each<[string, Body, ReadonlyArray<string>]>([
    ["no containers", { containers: [] }, ["spec.containers: Required value"]],
    [
      "containers without image or with a taken name",
      { containers: [{ name: "c" }, { name: "c", image: "i" }] },
      ["spec.containers[0].image: Required value", 'spec.containers[1].name: Duplicate value: "c"'],
    ],
    [
      "an init container of the same name",
      { initContainers: [{ name: "c", image: "i" }] },
      ['spec.initContainers[0].name: Duplicate value: "c"'],
    ],
    [
      "a restart policy that is none",
      { restartPolicy: "Foo" },
      [
        'spec.restartPolicy: Unsupported value: "Foo": supported values: "Always", "OnFailure", "Never"',
      ],
    ],
    [
      "a deadline of nothing",
      { activeDeadlineSeconds: 0 },
      ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"],
    ],
    [
      "a mount of no volume",
      { containers: [{ name: "c", image: "i", volumeMounts: [{ name: "v", mountPath: "/v" }] }] },
      ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    ],
    [
      "tolerations that mean nothing",
      {
        tolerations: [
          { key: "a", effect: "Bar" },
          { key: "b", tolerationSeconds: 3 },
        ],
      },
      [
        'spec.tolerations[0].effect: Unsupported value: "Bar": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
        "spec.tolerations[1].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set",
      ],
    ],
  ])("with %s are invalid", (_what, spec, expected) => {
    expect(problems(Pods, pod("x", spec))).toEqual(expected);
  });

  it("can change images, deadlines and more tolerations, each counted in generation", () => {
    const t = new TestCluster();
    const created = t.create(Pods, pod("a"));
    expect(created.metadata.generation).toBe(1);
    const tolerations = [
      ...(at(created, "spec", "tolerations") as ReadonlyArray<unknown>),
      { key: "z", operator: "Exists" },
    ];
    t.patch(Pods, "a", { spec: { containers: [{ name: "c", image: "other" }] } });
    t.patch(Pods, "a", { spec: { tolerations } });
    expect(t.patch(Pods, "a", { spec: { activeDeadlineSeconds: 30 } }).metadata.generation).toBe(4);
  });

  it("can change nothing else of their spec: not even nodeName", () => {
    const t = new TestCluster();
    t.create(Pods, pod("a"));
    for (const spec of [{ nodeName: "n1" }, { restartPolicy: "Never" }, { hostPID: true }]) {
      expect(updateProblems(t, Pods, "a", { spec })).toEqual([
        expect.stringMatching(/^spec: Forbidden: pod updates may not change fields other than/u),
      ]);
    }
    const containers = [
      { name: "c", image: "i" },
      { name: "d", image: "i" },
    ];
    expect(updateProblems(t, Pods, "a", { spec: { containers } })).toEqual([
      "spec.containers: Forbidden: pod updates may not add or remove containers",
    ]);
  });

  it("deadlines only come nearer", () => {
    const t = new TestCluster();
    t.create(Pods, pod("a", { activeDeadlineSeconds: 30 }));
    expect(updateProblems(t, Pods, "a", { spec: { activeDeadlineSeconds: 40 } })).toEqual([
      "spec.activeDeadlineSeconds: Invalid value: 40: must be less than or equal to previous value",
    ]);
    expect(updateProblems(t, Pods, "a", { spec: { activeDeadlineSeconds: null } })).toEqual([
      "spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value",
    ]);
  });
});

const template = (spec: Body): Body => ({
  template: { spec: { containers: [{ name: "c", image: "i" }], ...spec } },
});

const conditions = (...types: ReadonlyArray<string>) => ({
  conditions: types.map((type) => ({ type, status: "True" })),
});

const started = () => {
  const t = new TestCluster();
  t.create(Jobs, job("j"));
  const status = (body: Body) => t.patch(Jobs, "j", { status: body }, { subresource: "status" });
  const problem = (body: Body) => {
    const request = { name: "j", body: { status: body }, subresource: "status" } as const;
    return t.refusal("patch", Jobs, request).details?.causes?.map((cause) => cause.message);
  };
  status({ startTime: "2026-01-01T00:00:00Z", active: 1 });
  return { status, problem };
};

describe("Jobs", () => {
  it("(c)6 get defaults, a generated selector and the labels of their Pods", () => {
    const t = new TestCluster();
    const created = t.create(Jobs, job("j"));
    const { uid } = created.metadata;
    const labels = {
      t: "1",
      "batch.kubernetes.io/controller-uid": uid,
      "batch.kubernetes.io/job-name": "j",
      "controller-uid": uid,
      "job-name": "j",
    };
    expect(created.metadata.labels).toEqual(labels);
    expect(created["spec"]).toMatchObject({
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      suspend: false,
      completionMode: "NonIndexed",
      podReplacementPolicy: "TerminatingOrFailed",
      selector: { matchLabels: { "batch.kubernetes.io/controller-uid": uid } },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 30 } },
    });
    expect(at(created, "spec", "template", "spec", "tolerations")).toBeUndefined();
  });

  it("(c)6 keep labels of their own, and replace Pods after failure when a failure policy says so", () => {
    const t = new TestCluster();
    const rules = [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }];
    const created = t.create(
      Jobs,
      job("j", { podFailurePolicy: { rules } }, { labels: { a: "b" } }),
    );
    expect(created.metadata.labels).toEqual({ a: "b" });
    expect(created["spec"]).toMatchObject({
      podReplacementPolicy: "Failed",
      podFailurePolicy: { rules: [{ onPodConditions: [{ status: "True" }] }] },
    });
  });

  it("(c)6 with a parallelism and no completions are work queues", () => {
    const t = new TestCluster();
    const spec = t.create(Jobs, job("j", { parallelism: 2 }))["spec"];
    expect([at(spec, "parallelism"), at(spec, "completions")]).toEqual([2, undefined]);
  });

  it("(c)6 have names of at most 63 bytes, because a label holds them", () => {
    const name = "j".repeat(64);
    const why = `Invalid value: "${name}": must be no more than 63 bytes`;
    expect(new Set(problems(Jobs, job(name)))).toEqual(
      new Set([`metadata.labels: ${why}`, `spec.template.labels: ${why}`]),
    );
    const t = new TestCluster();
    expect(t.create(Jobs, job("j".repeat(63))).metadata.name).toHaveLength(63);
  });

  it.each<[string, Body, ReadonlyArray<string>]>([
    [
      "Always restarting",
      template({}),
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [
      "negative numbers",
      { ...template({ restartPolicy: "Never" }), backoffLimit: -1, activeDeadlineSeconds: -1 },
      [
        "spec.activeDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
        "spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0",
      ],
    ],
    [
      "a failure policy and restarts in place",
      {
        ...template({ restartPolicy: "OnFailure" }),
        podFailurePolicy: { rules: [{ action: "Ignore", onPodConditions: [{ type: "A" }] }] },
      },
      [
        'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
      ],
    ],
    [
      "another replacement than its failure policy allows",
      {
        ...template({ restartPolicy: "Never" }),
        podReplacementPolicy: "TerminatingOrFailed",
        podFailurePolicy: { rules: [{ action: "Ignore", onPodConditions: [{ type: "A" }] }] },
      },
      [
        'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
      ],
    ],
    [
      "a rule that ignores success",
      {
        ...template({ restartPolicy: "Never" }),
        podFailurePolicy: {
          rules: [{ action: "Ignore", onExitCodes: { operator: "In", values: [0] } }],
        },
      },
      [
        "spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator",
      ],
    ],
  ])("with %s are invalid", (_what, spec, expected) => {
    expect(problems(Jobs, { metadata: { name: "k" }, spec })).toEqual(expected);
  });

  it("with a selector of their own, not called manual, are invalid", () => {
    const t = new TestCluster();
    const body = job("k", { selector: { matchLabels: { a: "b" } } });
    expect(t.refusal("create", Jobs, { body }).message).toContain("`selector` not auto-generated");
    const manual = job("m", { manualSelector: true, selector: { matchLabels: { t: "1" } } });
    expect(at(t.create(Jobs, manual), "spec", "selector")).toEqual({ matchLabels: { t: "1" } });
  });

  it("never change their template, selector or completions", () => {
    const t = new TestCluster();
    t.create(Jobs, job("j"));
    const other = { template: { spec: { containers: [{ name: "c", image: "other" }] } } };
    expect(updateProblems(t, Jobs, "j", { spec: other })).toEqual([
      expect.stringMatching(/^spec\.template: Invalid value: .*: field is immutable$/u),
    ]);
    expect(updateProblems(t, Jobs, "j", { spec: { completions: 3 } })).toEqual([
      "spec.completions: Invalid value: 3: field is immutable",
    ]);
  });

  it("change where they run, but not what, while suspended and not started", () => {
    const t = new TestCluster();
    t.create(Jobs, job("j", { suspend: true }));
    const scheduling = { template: { spec: { nodeSelector: { a: "b" } } } };
    expect(t.patch(Jobs, "j", { spec: scheduling }).metadata.generation).toBe(2);
    const image = { template: { spec: { containers: [{ name: "c", image: "other" }] } } };
    expect(updateProblems(t, Jobs, "j", { spec: image })).toEqual([
      expect.stringMatching(/^spec\.template\.spec: .*: field is immutable$/u),
    ]);
    t.patch(Jobs, "j", { spec: { suspend: false } });
    expect(
      updateProblems(t, Jobs, "j", { spec: { template: { spec: { nodeSelector: null } } } }),
    ).toEqual([expect.stringMatching(/^spec\.template: /u)]);
  });

  describe("status", () => {
    it("(c)6 is not Complete before SuccessCriteriaMet, nor Failed before FailureTarget", () => {
      const { problem } = started();
      const completionTime = "2026-01-01T00:00:01Z";
      expect(problem({ active: 0, completionTime, ...conditions("Complete") })).toEqual([
        "Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
      ]);
      expect(problem({ active: 0, ...conditions("Failed") })).toEqual([
        "Invalid value: cannot set Failed=True condition without the FailureTarget=true condition",
      ]);
    });

    it("(c)6 is not finished while Pods are active or terminating", () => {
      const { problem } = started();
      expect(problem({ terminating: 1, ...conditions("FailureTarget", "Failed") })).toEqual([
        "Invalid value: 1: active>0 is invalid for finished job",
        "Invalid value: 1: terminating>0 is invalid for finished job",
      ]);
    });

    it("(c)6 once finished stays so, and counters of the ended never fall", () => {
      const { status, problem } = started();
      status({ active: 0, succeeded: 1, ...conditions("SuccessCriteriaMet") });
      const complete = status({
        completionTime: "2026-01-01T00:00:01Z",
        ...conditions("SuccessCriteriaMet", "Complete"),
      });
      expect(complete["status"]).toMatchObject({ succeeded: 1 });
      expect(complete["status"]).not.toHaveProperty("active");
      expect(problem({ succeeded: 0, conditions: null, completionTime: null })).toEqual([
        "Invalid value: cannot disable the terminal Complete=True condition",
        "Invalid value: cannot disable the SuccessCriteriaMet=True condition",
        "Invalid value: 0: cannot decrease the succeeded counter",
      ]);
    });

    it("(c)6 keeps the start time unless the Job was suspended", () => {
      const { problem } = started();
      expect(problem({ startTime: "2026-01-01T00:09:00Z" })).toEqual([
        'Invalid value: "2026-01-01T00:09:00Z": field is immutable for unsuspended job once set',
      ]);
    });
  });
});

const event = (namespace: string) => ({
  metadata: { name: "e" },
  involvedObject: { kind: "Pod", name: "x", namespace },
});

describe("other kinds", () => {
  it("Nodes have each taint once, with an effect", () => {
    const taint = { key: "a", effect: "NoSchedule" };
    const spec = { taints: [taint, taint, { key: "b", effect: "X" }, { key: "c" }] };
    expect(problems(Nodes, { metadata: { name: "n" }, spec })).toEqual([
      `metadata.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}: taints must be unique by key and effect pair`,
      'metadata.taints[2].effect: Unsupported value: "X": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
      "metadata.taints[3].effect: Required value",
    ]);
  });

  it("Namespaces are named by labels, Roles by path segments", () => {
    const t = new TestCluster();
    expect(problems(Namespaces, { metadata: { name: "a.b" } })).toEqual([
      'metadata.name: Invalid value: "a.b": must not contain dots',
    ]);
    expect(t.create(Namespaces, { metadata: { name: "ab" } })).toMatchObject({
      metadata: { labels: { "kubernetes.io/metadata.name": "ab" } },
      status: { phase: "Active" },
    });
    expect(t.create(Roles, { metadata: { name: "system:a" } }).metadata.name).toBe("system:a");
  });

  it("Events live where what they are about lives", () => {
    const Events = { group: "", version: "v1", plural: "events", kind: "Event", namespaced: true };
    expect(problems(Events, event("other"))).toEqual([
      'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
    ]);
    const t = new TestCluster();
    expect(t.create(Events, event("default")).metadata.name).toBe("e");
  });

  it("(c)24 Leases change only under the version that was read", () => {
    const Leases = {
      group: "coordination.k8s.io",
      version: "v1",
      plural: "leases",
      kind: "Lease",
      namespaced: true,
    };
    const t = new TestCluster();
    const renewTime = "2026-01-01T00:00:00.123456Z";
    const created = t.create(Leases, {
      metadata: { name: "l" },
      spec: { holderIdentity: "a", leaseDurationSeconds: 15, renewTime },
    });
    expect(at(created, "spec", "renewTime")).toBe(renewTime);
    const blind = { metadata: { name: "l" }, spec: { holderIdentity: "b" } };
    expect(t.refusal("update", Leases, { name: "l", body: blind }).code).toBe(422);
    const b = { ...created, spec: { holderIdentity: "b" } };
    t.put(Leases, b);
    expect(t.refusal("update", Leases, { name: "l", body: b }).reason).toBe("Conflict");
    expect(
      problems(Leases, { metadata: { name: "l" }, spec: { leaseDurationSeconds: 0 } }),
    ).toEqual(["spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"]);
  });
});
