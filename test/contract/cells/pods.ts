/** Pods: defaults, admission, what may change, bindings (reliability.md (c)9, 20). */
import { Effect } from "effect";
import { Pods } from "../../../src/domain/kube/resource.ts";
import { type Body, type Group, type Kit, outcome, view } from "../support/cell.ts";
import { boundPod, pod } from "../support/objects.ts";

const container = (more: Body = {}): Body => ({ name: "c", image: "registry/image:1", ...more });

const refused: Readonly<Record<string, Body>> = {
  "no containers": { containers: [] },
  "container without name": { containers: [{ image: "i" }] },
  "container without image": { containers: [{ name: "c" }] },
  "image with blanks": { containers: [container({ image: " i " })] },
  "container name with upper case": { containers: [container({ name: "C" })] },
  "two containers of one name": { containers: [container(), container()] },
  "init container of the same name": { initContainers: [container()] },
  "mount of an unknown volume": {
    containers: [container({ volumeMounts: [{ name: "v", mountPath: "/v" }] })],
  },
  "two mounts at one path": {
    volumes: [{ name: "v", emptyDir: {} }],
    containers: [
      container({
        volumeMounts: [
          { name: "v", mountPath: "/v" },
          { name: "v", mountPath: "/v" },
        ],
      }),
    ],
  },
  "two volumes of one name": {
    volumes: [
      { name: "v", emptyDir: {} },
      { name: "v", emptyDir: {} },
    ],
  },
  "volume name with upper case": { volumes: [{ name: "V", emptyDir: {} }] },
  "unknown restartPolicy": { restartPolicy: "Sometimes" },
  "deadline of zero": { activeDeadlineSeconds: 0 },
  "node name that is none": { nodeName: "A_b" },
  "environment variable without name": { containers: [container({ env: [{ value: "x" }] })] },
  "toleration without key that does not say Exists": { tolerations: [{ effect: "NoSchedule" }] },
  "toleration of an unknown effect": {
    tolerations: [{ operator: "Exists", effect: "NoThing" }],
  },
  "toleration with seconds of another effect": {
    tolerations: [{ operator: "Exists", key: "a", effect: "NoSchedule", tolerationSeconds: 3 }],
  },
  "toleration Exists with a value": { tolerations: [{ operator: "Exists", key: "a", value: "b" }] },
  "toleration of an unknown operator": {
    tolerations: [{ operator: "Like", key: "a", value: "b" }],
  },
};

const changes = (kit: Kit, patches: ReadonlyArray<Body>) =>
  Effect.forEach(patches, (patch) =>
    Effect.map(outcome(kit.patch(Pods, "a", { spec: patch })), (answer) =>
      view(answer, "metadata.generation", ...Object.keys(patch).map((key) => `spec.${key}`)),
    ),
  );

export const pods: Group = {
  title: "pods",
  cells: {
    "create × defaults and admission": (kit) => kit.create(Pods, pod("a")),
    "create × node named: no scheduler is needed": (kit) =>
      Effect.map(kit.create(Pods, boundPod("a")), (created) =>
        view(created, "spec.nodeName", "status.phase", "status.conditions"),
      ),
    "create × tolerates everything: no tolerations are added": (kit) =>
      Effect.map(kit.create(Pods, pod("a", { tolerations: [{ operator: "Exists" }] })), (created) =>
        view(created, "spec.tolerations"),
      ),
    "create × tolerates one taint: the other is added": (kit) =>
      Effect.map(
        kit.create(
          Pods,
          pod("a", {
            tolerations: [
              { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
            ],
          }),
        ),
        (created) => view(created, "spec.tolerations"),
      ),
    "create × image tags decide about pulling": (kit) =>
      Effect.map(
        kit.create(
          Pods,
          pod("a", {
            containers: ["i", "i:latest", "i:1", "host:5000/i", "i@sha256:" + "0".repeat(64)].map(
              (image, index) => ({ name: `c${index}`, image }),
            ),
          }),
        ),
        (created) => view(created, "spec.containers"),
      ),
    "create × reboot Pod as we send it": (kit) =>
      Effect.map(
        kit.create(
          Pods,
          boundPod("a", {
            hostPID: true,
            restartPolicy: "OnFailure",
            tolerations: [{ operator: "Exists" }],
            automountServiceAccountToken: false,
            containers: [
              {
                name: "reboot",
                image: "operator:1",
                args: ["reboot-agent"],
                env: [
                  { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
                ],
                securityContext: { privileged: true, runAsUser: 0 },
                volumeMounts: [{ name: "sentinel-volume", mountPath: "/sentinel" }],
              },
            ],
            volumes: [
              { name: "sentinel-volume", hostPath: { path: "/s", type: "DirectoryOrCreate" } },
            ],
          }),
        ),
        (created) => view(created, "metadata.generation", "spec", "status"),
      ),
    "create × account that does not exist": (kit) =>
      outcome(kit.create(Pods, pod("a", { serviceAccountName: "nobody" }))),
    "create × name is a subdomain of at most 253": (kit) =>
      Effect.gen(function* () {
        return [
          view(yield* outcome(kit.create(Pods, pod("a.b-c"))), "metadata.name"),
          yield* outcome(kit.create(Pods, pod("A"))),
          yield* outcome(kit.create(Pods, pod("x".repeat(254)))),
        ];
      }),
    ...Object.fromEntries(
      Object.entries(refused).map(([what, spec]) => [
        `create × refused: ${what}`,
        (kit: Kit) => outcome(kit.create(Pods, pod("a", spec))),
      ]),
    ),
    "patch × annotations and labels": (kit) =>
      Effect.gen(function* () {
        const { metadata } = yield* kit.create(Pods, boundPod("a"));
        const { uid, resourceVersion } = metadata;
        const patched = yield* kit.patch(Pods, "a", {
          metadata: { uid, resourceVersion, annotations: { granted: "x" }, labels: { a: "b" } },
        });
        return view(patched, "metadata.annotations", "metadata.labels", "metadata.generation");
      }),
    "patch × spec is fixed": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a", { restartPolicy: "OnFailure" }));
        return yield* changes(kit, [
          { nodeName: "other-node" },
          { restartPolicy: "Never" },
          { hostPID: true },
          { terminationGracePeriodSeconds: 5 },
          { containers: [{ name: "c", image: "registry/image:1", command: ["x"] }] },
        ]);
      }),
    "patch × image, deadline and tolerations may change": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        return yield* changes(kit, [
          { containers: [{ name: "c", image: "registry/image:2" }] },
          { activeDeadlineSeconds: 100 },
          { activeDeadlineSeconds: 50 },
          { activeDeadlineSeconds: 60 },
          { activeDeadlineSeconds: null },
          { tolerations: [] },
        ]);
      }),
    "patch status × phase and container statuses": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Pods, boundPod("a"));
        const patched = yield* kit.patch(
          Pods,
          "a",
          {
            status: {
              phase: "Running",
              conditions: [{ type: "Ready", status: "True" }],
              containerStatuses: [
                {
                  name: "c",
                  image: "registry/image:1",
                  imageID: "id",
                  ready: true,
                  restartCount: 0,
                  started: true,
                  state: { running: { startedAt: "2026-01-01T00:00:00Z" } },
                  lastState: {},
                },
              ],
            },
          },
          { subresource: "status" },
        );
        return view(patched, "status", "metadata.generation");
      }),
  },
};
