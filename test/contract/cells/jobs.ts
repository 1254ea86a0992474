/** Jobs as the API server judges them: defaults, labels, what is immutable, how suspension ends (reliability.md (c)6). */
import { Effect } from "effect";
import { Jobs } from "../../../src/domain/kube/resource.ts";
import { type Body, type Group, type Kit, outcome, view } from "../support/cell.ts";
import { job, labelledJob } from "../support/objects.ts";

const STATUS = { subresource: "status" } as const;

const ignoreDisruptions = {
  rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] }],
};

const suspended = (spec: Body = {}, podSpec: Body = {}) =>
  job("a", { suspend: true, ...spec }, podSpec);

const refusedSpecs: Readonly<Record<string, readonly [spec: Body, podSpec?: Body]>> = {
  "restartPolicy Always": [{}, { restartPolicy: "Always" }],
  "no restartPolicy": [{}, { restartPolicy: null }],
  "negative backoffLimit": [{ backoffLimit: -1 }],
  "negative parallelism and deadline": [{ parallelism: -1, activeDeadlineSeconds: -1 }],
  "unknown completionMode": [{ completionMode: "Sometimes" }],
  "unknown podReplacementPolicy": [{ podReplacementPolicy: "Never" }],
  "podReplacementPolicy that does not go with a failure policy": [
    { podReplacementPolicy: "TerminatingOrFailed", podFailurePolicy: ignoreDisruptions },
  ],
  "podFailurePolicy with OnFailure": [
    { podFailurePolicy: ignoreDisruptions },
    { restartPolicy: "OnFailure" },
  ],
  "podFailurePolicy without a known action": [
    { podFailurePolicy: { rules: [{ action: "Cry", onPodConditions: [] }] } },
  ],
  "podFailurePolicy of an unknown container": [
    {
      podFailurePolicy: {
        rules: [
          {
            action: "FailJob",
            onExitCodes: { containerName: "x", operator: "In", values: [1] },
          },
        ],
      },
    },
  ],
  "selector of its own": [{ selector: { matchLabels: { a: "b" } } }],
  "no containers": [{}, { containers: [] }],
  "volume that is not there": [
    {},
    { containers: [{ name: "c", image: "i", volumeMounts: [{ name: "v", mountPath: "/v" }] }] },
  ],
};

/** What becomes of each change, one after the other. */
const changes = (kit: Kit, patches: ReadonlyArray<Body>) =>
  Effect.forEach(patches, (patch) =>
    Effect.map(outcome(kit.patch(Jobs, "a", { spec: patch })), (answer) =>
      view(answer, ...Object.keys(patch).map((key) => `spec.${key}`)),
    ),
  );

const setStatus = (kit: Kit, status: Body) =>
  Effect.map(outcome(kit.patch(Jobs, "a", { status }, STATUS)), (answer) => view(answer, "status"));

const condition = (type: string) => ({
  type,
  status: "True",
  reason: "R",
  message: "m",
  lastProbeTime: "2026-01-01T00:00:00Z",
  lastTransitionTime: "2026-01-01T00:00:00Z",
});
const START = "2026-01-01T00:00:00Z";
const END = "2026-01-01T00:01:00Z";

export const jobs: Group = {
  title: "jobs",
  cells: {
    "create × defaults, selector, labels": (kit) => kit.create(Jobs, suspended()),
    "create × with a failure policy Pods are replaced after failure": (kit) =>
      Effect.map(
        kit.create(
          Jobs,
          suspended({
            podFailurePolicy: {
              rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }],
            },
          }),
        ),
        (created) => view(created, "spec.podReplacementPolicy", "spec.podFailurePolicy"),
      ),
    "create × labels of the template become the Job's when it has none": (kit) =>
      Effect.map(kit.create(Jobs, labelledJob("a", { x: "y" })), (created) =>
        view(created, "metadata.labels", "spec.template.metadata.labels", "spec.selector"),
      ),
    "create × parallelism without completions": (kit) =>
      Effect.map(kit.create(Jobs, suspended({ parallelism: 2 })), (created) =>
        view(created, "spec.parallelism", "spec.completions"),
      ),
    "create × init containers, volumes, env from fields": (kit) =>
      Effect.map(
        kit.create(
          Jobs,
          suspended(
            { podReplacementPolicy: "Failed", podFailurePolicy: ignoreDisruptions },
            {
              nodeName: "n",
              tolerations: [{ operator: "Exists" }],
              imagePullSecrets: [{ name: "s" }],
              initContainers: [
                {
                  name: "nodeop",
                  image:
                    "registry/image@sha256:0123456789012345678901234567890123456789012345678901234567890123",
                  command: ["true"],
                  env: [{ name: "HOST_DIR", value: "/host" }],
                  securityContext: { privileged: true },
                  volumeMounts: [{ name: "host-root", mountPath: "/host" }],
                },
              ],
              containers: [
                {
                  name: "sentinel-creator",
                  image: "busybox",
                  env: [
                    {
                      name: "JOB_UID",
                      valueFrom: {
                        fieldRef: {
                          fieldPath: "metadata.labels['batch.kubernetes.io/controller-uid']",
                        },
                      },
                    },
                  ],
                  volumeMounts: [{ name: "sentinel", mountPath: "/sentinel" }],
                },
              ],
              volumes: [
                { name: "host-root", hostPath: { path: "/", type: "Directory" } },
                { name: "sentinel", hostPath: { path: "/s", type: "DirectoryOrCreate" } },
              ],
            },
          ),
        ),
        (created) => view(created, "spec"),
      ),
    "create × name of 63 characters": (kit) =>
      Effect.map(outcome(kit.create(Jobs, job("x".repeat(63), { suspend: true }))), (created) =>
        view(created, "metadata.name"),
      ),
    "create × name of more than 63 characters": (kit) =>
      Effect.map(outcome(kit.create(Jobs, job("x".repeat(64), { suspend: true }))), (answer) =>
        view({ error: undefined, ...answer, detail: "", causes: [] }, "error"),
      ),
    ...Object.fromEntries(
      Object.entries(refusedSpecs).map(([what, [spec, podSpec]]) => [
        `create × refused: ${what}`,
        (kit: Kit) => outcome(kit.create(Jobs, suspended(spec, podSpec))),
      ]),
    ),
    "patch × resume under uid and resourceVersion": (kit) =>
      Effect.gen(function* () {
        const { metadata } = yield* kit.create(Jobs, suspended({ parallelism: 0 }));
        const { uid } = metadata;
        const wrong = yield* outcome(
          kit.patch(Jobs, "a", {
            metadata: { uid: "00000000-0000-4000-8000-000000000000" },
            spec: { suspend: false },
          }),
        );
        const current = yield* kit.get(Jobs, "a");
        const { resourceVersion } = current.metadata;
        const right = yield* outcome(
          kit.patch(Jobs, "a", { metadata: { uid, resourceVersion }, spec: { suspend: false } }),
        );
        const stale = yield* outcome(
          kit.patch(Jobs, "a", { metadata: { uid, resourceVersion }, spec: { suspend: true } }),
        );
        return [wrong, view(right, "spec.suspend", "metadata.generation"), stale];
      }),
    "patch × what is immutable": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, job("a", { parallelism: 0 }));
        return yield* changes(kit, [
          { completions: 2 },
          { completionMode: "Indexed" },
          { selector: { matchLabels: { a: "b" } } },
          { podFailurePolicy: ignoreDisruptions },
          { template: { spec: { nodeName: "n" } } },
          { template: { metadata: { labels: { a: "b" } } } },
        ]);
      }),
    "patch × what may change": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, suspended());
        return yield* changes(kit, [
          { suspend: false },
          { suspend: true },
          { parallelism: 0 },
          { backoffLimit: 1 },
          { activeDeadlineSeconds: 5 },
          { ttlSecondsAfterFinished: 5 },
          { podReplacementPolicy: "Failed" },
        ]);
      }),
    "patch × template while suspended: where, not what": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, suspended());
        return yield* changes(kit, [
          { template: { spec: { nodeSelector: { a: "b" } } } },
          { template: { spec: { tolerations: [{ operator: "Exists" }] } } },
          { template: { spec: { restartPolicy: "OnFailure" } } },
          { template: { spec: { containers: [{ name: "c", image: "other" }] } } },
        ]);
      }),
    "patch × annotations and labels of a Job": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, suspended());
        const patched = yield* kit.patch(Jobs, "a", {
          metadata: { annotations: { a: "b" }, labels: { c: "d" } },
        });
        return view(patched, "metadata.annotations", "metadata.labels", "metadata.generation");
      }),
    "patch status × Complete needs SuccessCriteriaMet and times": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, job("a", { parallelism: 0, managedBy: "example.com/tests" }));
        const started = { startTime: START };
        return [
          yield* setStatus(kit, { ...started, conditions: [condition("Complete")] }),
          yield* setStatus(kit, { ...started, conditions: [condition("SuccessCriteriaMet")] }),
          yield* setStatus(kit, {
            conditions: [condition("SuccessCriteriaMet"), condition("Complete")],
          }),
          yield* setStatus(kit, {
            completionTime: END,
            active: 1,
            conditions: [condition("SuccessCriteriaMet"), condition("Complete")],
          }),
          yield* setStatus(kit, {
            completionTime: END,
            succeeded: 1,
            conditions: [condition("SuccessCriteriaMet"), condition("Complete")],
          }),
          yield* setStatus(kit, { conditions: [] }),
          yield* setStatus(kit, { succeeded: 0 }),
        ];
      }),
    "patch status × Failed needs FailureTarget": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, job("a", { parallelism: 0, managedBy: "example.com/tests" }));
        const started = { startTime: START };
        return [
          yield* setStatus(kit, { ...started, conditions: [condition("Failed")] }),
          yield* setStatus(kit, {
            ...started,
            failed: 1,
            conditions: [condition("FailureTarget")],
          }),
          yield* setStatus(kit, {
            conditions: [condition("FailureTarget"), condition("SuccessCriteriaMet")],
          }),
          yield* setStatus(kit, {
            terminating: 1,
            conditions: [condition("FailureTarget"), condition("Failed")],
          }),
          yield* setStatus(kit, {
            terminating: 0,
            conditions: [condition("FailureTarget"), condition("Failed")],
          }),
        ];
      }),
    "patch status × a finished Job is never resumed to run: spec still changes": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Jobs, job("a", { parallelism: 0, managedBy: "example.com/tests" }));
        yield* setStatus(kit, { startTime: START, conditions: [condition("FailureTarget")] });
        yield* setStatus(kit, { conditions: [condition("FailureTarget"), condition("Failed")] });
        return yield* changes(kit, [{ suspend: true }, { parallelism: 1 }]);
      }),
  },
};
