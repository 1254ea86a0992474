/** Nodes, ServiceAccounts, Roles, RoleBindings, Leases and Events as our programs write them (reliability.md (c)21, 24). */
import { Effect } from "effect";
import { Nodes, RoleBindings, Roles, ServiceAccounts } from "../../../src/domain/kube/resource.ts";
import { type Body, type Group, outcome, STRATEGIC, view } from "../support/cell.ts";
import { Events, lease, Leases, node } from "../support/objects.ts";

const RBAC = "rbac.authorization.k8s.io";
const role = (name: string, rules: ReadonlyArray<Body>): Body => ({
  apiVersion: `${RBAC}/v1`,
  kind: "Role",
  metadata: { name },
  rules,
});
const RULES = [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "watch", "patch"] }];

const binding = (name: string, more: Body = {}): Body => ({
  apiVersion: `${RBAC}/v1`,
  kind: "RoleBinding",
  metadata: { name },
  roleRef: { apiGroup: RBAC, kind: "Role", name },
  subjects: [{ kind: "ServiceAccount", name, namespace: "default" }],
  ...more,
});

const account = (name: string): Body => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name },
});

const event = (name: string, more: Body = {}): Body => ({
  apiVersion: "events.k8s.io/v1",
  kind: "Event",
  metadata: { name },
  eventTime: "2026-01-01T00:00:00.000000Z",
  reportingController: "kairos.io/nodeop",
  reportingInstance: "nodeop-1",
  action: "Claim",
  reason: "Claimed",
  type: "Normal",
  note: "claimed",
  ...more,
});

const about = (namespace: string): Body => ({
  regarding: {
    apiVersion: "operator.kairos.io/v1alpha1",
    kind: "NodeOp",
    name: "a",
    namespace,
    uid: "00000000-0000-4000-8000-000000000000",
  },
});

export const access: Group = {
  title: "access, leases and events",
  cells: {
    "create ServiceAccount × answer": (kit) => kit.create(ServiceAccounts, account("a")),
    "create Role × answer": (kit) => kit.create(Roles, role("a", RULES)),
    "create RoleBinding × answer": (kit) => kit.create(RoleBindings, binding("a")),
    "create × names with colons are fine for RBAC": (kit) =>
      Effect.gen(function* () {
        return [
          view(yield* outcome(kit.create(Roles, role("a:B", RULES))), "metadata.name"),
          yield* outcome(kit.create(Roles, role("a/b", RULES))),
          yield* outcome(kit.create(ServiceAccounts, account("a:b"))),
        ];
      }),
    "create Role × rule without verbs": (kit) =>
      outcome(kit.create(Roles, role("a", [{ apiGroups: [""], resources: ["pods"] }]))),
    "create RoleBinding × role need not exist": (kit) =>
      Effect.map(outcome(kit.create(RoleBindings, binding("a"))), (created) =>
        view(created, "roleRef"),
      ),
    "create RoleBinding × wrong subjects and roles": (kit) =>
      Effect.forEach(
        [
          { subjects: [{ kind: "Person", name: "x" }] },
          { subjects: [{ kind: "ServiceAccount", name: "x" }] },
          { subjects: [{ kind: "ServiceAccount", namespace: "default" }] },
          { roleRef: { apiGroup: RBAC, kind: "Rule", name: "a" } },
          { roleRef: { apiGroup: RBAC, kind: "Role" } },
        ],
        (more) =>
          outcome(kit.create(RoleBindings, binding("a", more), { query: { dryRun: true } })),
      ),
    "patch RoleBinding × roleRef is fixed, subjects are not": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(RoleBindings, binding("a"));
        return [
          yield* outcome(kit.patch(RoleBindings, "a", { roleRef: { name: "other" } })),
          view(yield* outcome(kit.patch(RoleBindings, "a", { subjects: null })), "subjects"),
        ];
      }),
    "patch Role × rules are replaced": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Roles, role("a", RULES));
        const rules = [{ apiGroups: ["batch"], resources: ["jobs"], verbs: ["get"] }];
        return view(yield* kit.patch(Roles, "a", { rules }), "rules");
      }),
    "create Node × refused": (kit) =>
      Effect.forEach(
        [
          { taints: [{ key: "a", effect: "Nope" }] },
          {
            taints: [
              { key: "a", effect: "NoSchedule" },
              { key: "a", effect: "NoSchedule" },
            ],
          },
        ],
        (spec) => outcome(kit.create(Nodes, node(kit.named("n"), spec))),
      ),
    "patch Node × hold and cordon in one, under uid and version": (kit) =>
      Effect.gen(function* () {
        const name = kit.named("n");
        yield* kit.create(Nodes, node(name, {}, { labels: { x: "y" } }));
        const { metadata } = yield* kit.settled(Nodes, name);
        const { uid, resourceVersion } = metadata;
        const hold = {
          metadata: { uid, resourceVersion, annotations: { "operator-held": "u" } },
          spec: { unschedulable: true },
        };
        const held = yield* kit.patch(Nodes, name, hold);
        const again = yield* outcome(kit.patch(Nodes, name, hold));
        const freed = yield* kit.patch(Nodes, name, {
          metadata: { annotations: { "operator-held": null } },
          spec: { unschedulable: null },
        });
        return [
          view(held, "metadata.annotations.operator-held", "spec.unschedulable", "metadata.labels"),
          again,
          view(freed, "spec.unschedulable"),
        ];
      }),
    "patch Node × providerID is fixed once set": (kit) =>
      Effect.gen(function* () {
        const name = kit.named("n");
        yield* kit.create(Nodes, node(name, { providerID: "a" }));
        return yield* outcome(kit.patch(Nodes, name, { spec: { providerID: "b" } }));
      }),
    "patch Node × taints by strategic merge with the unschedulable taint": (kit) =>
      Effect.gen(function* () {
        const name = kit.named("n");
        yield* kit.create(Nodes, node(name, { unschedulable: true }));
        const patched = yield* kit.patch(
          Nodes,
          name,
          { metadata: { labels: { a: "b" } } },
          { patchType: STRATEGIC },
        );
        return view(patched, "spec.unschedulable", "metadata.labels");
      }),
    "create Lease × answer": (kit) => kit.create(Leases, lease("a")),
    "create Lease × refused": (kit) =>
      Effect.forEach([{ leaseDurationSeconds: 0 }, { leaseTransitions: -1 }], (spec) =>
        outcome(kit.create(Leases, lease("a", spec))),
      ),
    "create Lease × empty spec": (kit) =>
      Effect.map(
        outcome(
          kit.create(Leases, {
            apiVersion: "coordination.k8s.io/v1",
            kind: "Lease",
            metadata: { name: "a" },
          }),
        ),
        (created) => view(created, "spec"),
      ),
    "update Lease × the second of two who saw the same version loses": (kit) =>
      Effect.gen(function* () {
        const seen = yield* kit.create(Leases, lease("a"));
        const take = (holderIdentity: string) =>
          outcome(kit.put(Leases, { ...seen, spec: lease("a", { holderIdentity })["spec"] }));
        return [
          view(yield* take("b"), "spec.holderIdentity"),
          yield* take("c"),
          view(yield* kit.get(Leases, "a"), "spec.holderIdentity"),
        ];
      }),
    "patch Lease × release under the version": (kit) =>
      Effect.gen(function* () {
        const { metadata } = yield* kit.create(Leases, lease("a"));
        const { resourceVersion } = metadata;
        const released = yield* kit.patch(Leases, "a", {
          metadata: { resourceVersion },
          spec: { holderIdentity: "", leaseDurationSeconds: 1 },
        });
        return view(released, "spec");
      }),
    "create Event × about an object of the namespace": (kit) =>
      kit.create(Events, event("a", about(kit.ns))),
    "create Event × about an object of another namespace": (kit) =>
      outcome(kit.create(Events, event("a", about("default")))),
    "create Event × about a Node outside of default": (kit) =>
      outcome(kit.create(Events, event("a", { regarding: { kind: "Node", name: "n" } }))),
    "create Event × about a Node in default": (kit) =>
      Effect.map(
        outcome(
          kit.request({
            verb: "create",
            resource: Events,
            namespace: "default",
            body: event(kit.named("a"), {
              regarding: { apiVersion: "v1", kind: "Node", name: "n", uid: "n" },
            }),
          }),
        ),
        (created) => view(created, "metadata.namespace", "regarding"),
      ),
    "create Event × about a Node in kube-system": (kit) =>
      Effect.map(
        outcome(
          kit.request({
            verb: "create",
            resource: Events,
            namespace: "kube-system",
            body: event(kit.named("a"), {
              regarding: { apiVersion: "v1", kind: "Node", name: "n", uid: "n" },
            }),
          }),
        ),
        (created) => view(created, "metadata.namespace", "regarding"),
      ),
    "create Event × refused": (kit) =>
      Effect.forEach(
        [
          { eventTime: null },
          { reportingController: "" },
          { reportingController: "not qualified!" },
          { reportingInstance: "" },
          { reportingInstance: "x".repeat(129) },
          { action: "" },
          { action: "x".repeat(129) },
          { reason: "" },
          { reason: "x".repeat(129) },
          { type: "Bad" },
          { note: "x".repeat(1025) },
          { series: { count: 1, lastObservedTime: "2026-01-01T00:00:00.000000Z" } },
        ],
        (more) => outcome(kit.create(Events, event("a", { ...about(kit.ns), ...more }))),
      ),
    "patch Event × series is counted, the rest is fixed": (kit) =>
      Effect.gen(function* () {
        yield* kit.create(Events, event("a", about(kit.ns)));
        const patch = (body: Body) => outcome(kit.patch(Events, "a", body));
        return [
          view(
            yield* patch({ series: { count: 2, lastObservedTime: "2026-01-01T00:00:01.000000Z" } }),
            "series",
          ),
          yield* patch({ series: { count: 0 } }),
          yield* patch({ note: "other" }),
          yield* patch({ reason: "Other" }),
          yield* patch({ action: "Other" }),
          yield* patch({ regarding: { name: "b" } }),
          yield* patch({ type: "Warning" }),
        ];
      }),
  },
};
