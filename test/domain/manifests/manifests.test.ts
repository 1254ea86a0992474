/** What an installation contains: enough to work, and nothing that is not used. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { installYaml } from "../../../scripts/generate.ts";
import type { NewKubeObject } from "../../../src/domain/kube/object.ts";
import { agentAccess } from "../../../src/domain/rollout/agentAccess.ts";
import type { Installation } from "../../../src/domain/manifests/installation.ts";
import { manifests } from "../../../src/domain/manifests/manifests.ts";
import type { PolicyRule } from "../../../src/domain/manifests/rbac.ts";
import { DEFAULT_INSTALLATION } from "../../../src/programs/manifests/defaults.ts";
import { operation } from "../rollout/support.ts";

interface Role {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules: ReadonlyArray<PolicyRule>;
}
interface Binding {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects: ReadonlyArray<{ readonly name: string; readonly namespace: string }>;
}
interface PodSpec {
  readonly tolerations: ReadonlyArray<object>;
  readonly imagePullSecrets?: ReadonlyArray<object>;
  readonly securityContext: object;
  readonly serviceAccountName: string;
  readonly topologySpreadConstraints?: ReadonlyArray<object>;
  readonly affinity?: object;
  readonly volumes?: ReadonlyArray<{ readonly name: string; readonly hostPath: object }>;
  readonly containers: ReadonlyArray<{
    readonly image: string;
    readonly args: ReadonlyArray<string>;
    readonly env: ReadonlyArray<{ readonly name: string; readonly value?: string }>;
    readonly securityContext: object;
    readonly volumeMounts?: ReadonlyArray<object>;
    readonly livenessProbe?: object;
    readonly readinessProbe?: object;
  }>;
}

const installed = (choice: Partial<Installation> = {}) =>
  manifests({ ...DEFAULT_INSTALLATION, ...choice });

const rolesOf = (objects: ReadonlyArray<NewKubeObject>) =>
  objects.filter(({ kind }) => kind.endsWith("Role")) as unknown as ReadonlyArray<Role>;
const bindingsOf = (objects: ReadonlyArray<NewKubeObject>) =>
  objects.filter(({ kind }) => kind.endsWith("RoleBinding")) as unknown as ReadonlyArray<Binding>;

/** The Pod that a Deployment or DaemonSet makes. */
const podOf = (objects: ReadonlyArray<NewKubeObject>, kind: string): PodSpec => {
  const workload = objects.find((object) => object.kind === kind) as unknown as {
    readonly spec: { readonly template: { readonly spec: PodSpec } };
  };
  return workload.spec.template.spec;
};

/** `<where>: <verb> <resource>.<group> <names>` for everything that an account may do. */
const may = (objects: ReadonlyArray<NewKubeObject>, account: string): ReadonlyArray<string> =>
  bindingsOf(objects)
    .filter(({ subjects }) => subjects.some(({ name }) => name === account))
    .flatMap((binding) => {
      const role = rolesOf(objects).find(
        ({ kind, metadata }) =>
          kind === binding.roleRef.kind &&
          metadata.name === binding.roleRef.name &&
          metadata.namespace === binding.metadata.namespace,
      );
      const where = binding.metadata.namespace ?? "everywhere";
      return role!.rules.flatMap(({ apiGroups: [group], resources: [resource], ...rule }) =>
        rule.verbs.map((verb) =>
          [`${where}: ${verb} ${resource}.${group}`, ...(rule.resourceNames ?? [])].join(" "),
        ),
      );
    });

/** `Role operator-system/leader`: tells an object from all others. */
const nameOf = ({ kind, metadata }: Pick<NewKubeObject, "kind" | "metadata">): string =>
  `${kind} ${metadata.namespace ?? ""}/${metadata.name}`;

/** The label by which Kubernetes' own roles take rules in. */
const label = (role: string) => `rbac.authorization.k8s.io/aggregate-to-${role}`;

const OPERATOR = "operator-kairos-operator";
const shapes: ReadonlyArray<readonly [string, Partial<Installation>]> = [
  ["as checked in", {}],
  ["without labeler", { labeler: false }],
  ["for one namespace", { watchNamespace: "upgrades" }],
  ["elsewhere", { namespace: "kairos", replicas: 3, pullSecrets: ["mirror"] }],
];

describe("deploy/install.yaml", () => {
  it("is what is generated; `node scripts/generate.ts` writes it", () => {
    const file = new URL("../../../deploy/install.yaml", import.meta.url);
    expect(readFileSync(file, "utf8")).toBe(installYaml());
  });
});

describe.each(shapes)("an installation %s", (_, choice) => {
  const objects = installed(choice);

  it("grants by no wildcard, one resource per rule, sorted, and no Secret at all", () => {
    for (const { metadata, rules } of rolesOf(objects)) {
      const texts = rules.map((rule) => JSON.stringify(rule));
      expect({ name: metadata.name, wildcard: texts.filter((text) => text.includes("*")) }).toEqual(
        {
          name: metadata.name,
          wildcard: [],
        },
      );
      expect(texts.filter((text) => text.includes("secrets"))).toEqual([]);
      for (const { apiGroups, resources, verbs } of rules) {
        expect([apiGroups.length, resources.length]).toEqual([1, 1]);
        expect(verbs).toEqual([...new Set(verbs)].toSorted());
      }
      const keys = rules.map(({ apiGroups, resources }) => `${apiGroups[0]} ${resources[0]}`);
      expect(keys).toEqual(keys.toSorted());
    }
  });

  it("binds roles that it has, to accounts that it has", () => {
    const names = objects.map(nameOf);
    for (const { metadata, roleRef, subjects } of bindingsOf(objects)) {
      expect(names).toContain(
        nameOf({ kind: roleRef.kind, metadata: { ...metadata, name: roleRef.name } }),
      );
      for (const { name, namespace } of subjects)
        expect(names).toContain(nameOf({ kind: "ServiceAccount", metadata: { name, namespace } }));
    }
  });

  it("comes in an order in which everything is there before it is needed", () => {
    const kinds = objects.map(({ kind }) => kind);
    expect(kinds.indexOf("Namespace")).toBe(0);
    const bindings = Math.max(
      kinds.lastIndexOf("ClusterRoleBinding"),
      kinds.lastIndexOf("RoleBinding"),
    );
    expect(kinds.lastIndexOf("ServiceAccount")).toBeLessThan(kinds.indexOf("ClusterRoleBinding"));
    expect(kinds.lastIndexOf("CustomResourceDefinition")).toBeLessThan(kinds.indexOf("Deployment"));
    expect(bindings).toBeLessThan(kinds.indexOf("Deployment"));
  });

  it("has no two objects of a name", () => {
    const names = objects.map(nameOf);
    expect(names.length).toBe(new Set(names).size);
  });

  it("runs its own Pods as PodSecurity restricts them, with a root file system that cannot be written", () => {
    const kinds = choice.labeler === false ? ["Deployment"] : ["Deployment", "DaemonSet"];
    for (const kind of kinds) {
      const { securityContext, containers } = podOf(objects, kind);
      expect(securityContext).toEqual({
        runAsNonRoot: true,
        runAsUser: 65532,
        runAsGroup: 65532,
        seccompProfile: { type: "RuntimeDefault" },
      });
      for (const container of containers)
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
          readOnlyRootFilesystem: true,
        });
    }
  });

  it("lets the operator take the Lease of the original, and no other", () => {
    const namespace = choice.namespace ?? "operator-system";
    expect(may(objects, OPERATOR).filter((what) => what.includes("leases"))).toEqual([
      `${namespace}: create leases.coordination.k8s.io`,
      `${namespace}: get leases.coordination.k8s.io ce9721c3.kairos.io`,
      `${namespace}: patch leases.coordination.k8s.io ce9721c3.kairos.io`,
    ]);
  });

  it("lets the operator tell of Nodes where the API server takes such Events", () => {
    expect(may(objects, OPERATOR)).toEqual(
      expect.arrayContaining([
        "default: create events.events.k8s.io",
        "default: get events.events.k8s.io",
        "default: patch events.events.k8s.io",
      ]),
    );
  });

  it("gives the operator what its reboot agents get: nobody grants what he does not hold", () => {
    const where = choice.watchNamespace ?? "everywhere";
    const role = agentAccess(operation()).find(({ object }) => object.kind === "Role");
    const { rules } = role!.object as unknown as Role;
    for (const { resources, verbs } of rules)
      for (const resource of resources)
        for (const verb of verbs)
          expect(may(objects, OPERATOR)).toContain(`${where}: ${verb} ${resource}.`);
  });
});

describe("the operator's Deployment", () => {
  it("starts while the only node there is is cordoned, and where the original started", () => {
    expect(podOf(installed(), "Deployment").tolerations).toEqual(
      expect.arrayContaining([
        { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
        { key: "CriticalAddonsOnly", operator: "Exists" },
        { key: "node-role.kubernetes.io/control-plane", operator: "Exists", effect: "NoSchedule" },
        { key: "node-role.kubernetes.io/master", operator: "Exists", effect: "NoSchedule" },
        { key: "node-role.kubernetes.io/controlplane", operator: "Exists", effect: "NoSchedule" },
        { key: "node-role.kubernetes.io/etcd", operator: "Exists", effect: "NoExecute" },
      ]),
    );
  });

  it("runs one image, by tag or digest, and starts reboot agents with it", () => {
    const image = `registry.example:5000/nodeop@sha256:${"a".repeat(64)}`;
    const objects = installed({ image, pullSecrets: ["mirror", "other"] });
    const [operator] = podOf(objects, "Deployment").containers;
    expect(operator?.image).toBe(image);
    expect(operator?.env).toContainEqual({ name: "OPERATOR_IMAGE", value: image });
    expect(podOf(objects, "DaemonSet").containers[0]?.image).toBe(image);
    for (const kind of ["Deployment", "DaemonSet"])
      expect(podOf(objects, kind).imagePullSecrets).toEqual([
        { name: "mirror" },
        { name: "other" },
      ]);
  });

  it("is told of a ceiling where there is one, and may keep its book only then", () => {
    const book = (objects: ReturnType<typeof installed>) =>
      may(objects, OPERATOR).filter((what) => what.includes("nodeop-ceiling"));
    const objects = installed({ maxUnavailable: "10%", namespace: "kairos" });
    expect(podOf(objects, "Deployment").containers[0]).toMatchObject({
      args: ["operator", "--max-unavailable=10%"],
    });
    expect(book(objects)).toEqual([
      "kairos: get leases.coordination.k8s.io nodeop-ceiling",
      "kairos: patch leases.coordination.k8s.io nodeop-ceiling",
    ]);
    expect(book(installed())).toEqual([]);
  });

  it("is told its name and namespace, and the images that were chosen", () => {
    const { env } = podOf(installed({ sentinelImage: "s:1", defaultImage: "d:1" }), "Deployment")
      .containers[0]!;
    expect(env).toEqual([
      { name: "CONTROLLER_POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      {
        name: "CONTROLLER_POD_NAMESPACE",
        valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } },
      },
      { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
      { name: "OPERATOR_IMAGE", value: DEFAULT_INSTALLATION.image },
      { name: "SENTINEL_IMAGE", value: "s:1" },
      { name: "NODEOP_DEFAULT_IMAGE", value: "d:1" },
    ]);
  });

  it("is probed for life and for readiness", () => {
    const [operator] = podOf(installed(), "Deployment").containers;
    expect(operator?.livenessProbe).toMatchObject({
      httpGet: { path: "/healthz", port: "health" },
    });
    expect(operator?.readinessProbe).toMatchObject({
      httpGet: { path: "/readyz", port: "health" },
    });
  });

  it("keeps those who stand by away from the leader's node", () => {
    expect(podOf(installed(), "Deployment").topologySpreadConstraints).toBeUndefined();
    expect(podOf(installed({ replicas: 2 }), "Deployment").topologySpreadConstraints).toHaveLength(
      1,
    );
  });
});

const BINDINGS = "clusterrolebindings.rbac.authorization.k8s.io";
/** Whose Pods are on a node that is drained nobody knows before. */
const DRAINING: ReadonlyArray<string> = [
  "everywhere: get persistentvolumeclaims.",
  "everywhere: list pods.",
  "everywhere: create pods/eviction.",
  "everywhere: list poddisruptionbudgets.policy",
];
const DETACHING: ReadonlyArray<string> = ["get", "list"].map(
  (verb) => `everywhere: ${verb} volumeattachments.storage.k8s.io`,
);

describe("an operator for one namespace", () => {
  const objects = installed({ watchNamespace: "upgrades" });

  it("is told which", () => {
    expect(podOf(objects, "Deployment").containers[0]?.args).toEqual([
      "operator",
      "--namespace=upgrades",
    ]);
  });

  it("may do nothing outside of it but with Nodes, what they are drained of, their Events, its Lease, and what the Go operator bound", () => {
    const outside = may(objects, OPERATOR).filter((what) => !what.startsWith("upgrades: "));
    expect(
      outside.filter((what) => !/ (?:nodes\.|events\.|leases\.|clusterrolebindings\.)/u.test(what)),
    ).toEqual([...DRAINING, ...DETACHING]);
    expect(outside.filter((what) => what.startsWith("everywhere: "))).toEqual([
      ...["get", "list", "patch", "watch"].map((verb) => `everywhere: ${verb} nodes.`),
      ...DRAINING,
      ...["delete", "get"].map((verb) => `everywhere: ${verb} ${BINDINGS}`),
      ...DETACHING,
    ]);
  });

  it("takes nothing away from another one elsewhere", () => {
    const other = installed({ watchNamespace: "other", namespace: "elsewhere", labeler: false });
    const shared = other.map(nameOf).filter((name) => objects.map(nameOf).includes(name));
    const own = installed().filter(
      ({ kind, metadata }) =>
        kind === "CustomResourceDefinition" || /-(?:view|edit)$/u.test(metadata.name ?? ""),
    );
    expect(shared).toEqual(own.map(nameOf));
  });

  it("may do in it what the one for all may do everywhere", () => {
    const all = may(installed(), OPERATOR)
      .filter((what) => what.startsWith("everywhere: "))
      // Objects of the cluster are nowhere else.
      .filter(
        (what) =>
          !what.includes(" nodes.") &&
          !what.endsWith(BINDINGS) &&
          ![...DRAINING, ...DETACHING].includes(what),
      )
      .map((what) => what.replace("everywhere", "upgrades"));
    expect(may(objects, OPERATOR)).toEqual(expect.arrayContaining(all));
  });
});

describe("the node labeler", () => {
  it("runs on every node that did not opt out, whatever its taints, labelled or not", () => {
    const { tolerations, affinity } = podOf(installed(), "DaemonSet");
    expect(tolerations).toEqual([{ operator: "Exists" }]);
    expect(JSON.stringify(affinity)).toContain(
      `{"key":"kairos.io/managed","operator":"NotIn","values":["false"]}`,
    );
  });

  it("mounts of its host what it reads, and only to read", () => {
    const { volumes, containers } = podOf(installed(), "DaemonSet");
    expect(volumes?.map(({ hostPath }) => hostPath)).toEqual(
      ["/etc", "/usr/lib", "/sys/firmware"].map((path) => ({ path, type: "Directory" })),
    );
    for (const mount of containers[0]?.volumeMounts ?? [])
      expect(mount).toMatchObject({ readOnly: true });
  });

  it("may read and patch Nodes, and nothing else", () => {
    expect(may(installed(), "kairos-node-labeler")).toEqual([
      "everywhere: get nodes.",
      "everywhere: patch nodes.",
    ]);
  });

  it("leaves nothing behind where it is not wanted", () => {
    expect(JSON.stringify(installed({ labeler: false }))).not.toContain("node-labeler");
  });
});

describe("what people may do", () => {
  it("is taken in by view, edit and admin; nobody of them writes a status", () => {
    const [view, edit] = installed().filter(({ metadata }) =>
      metadata.name?.match(/-(?:view|edit)$/u),
    );
    expect(view?.metadata.labels).toMatchObject({ [label("view")]: "true" });
    expect(edit?.metadata.labels).toMatchObject({
      [label("edit")]: "true",
      [label("admin")]: "true",
    });
    expect(edit?.metadata.labels).not.toHaveProperty([label("view")]);
    for (const { rules } of rolesOf([view!, edit!])) {
      const status = rules.filter(({ resources }) => resources[0]?.endsWith("/status"));
      expect(status.flatMap(({ verbs }) => verbs)).toEqual(["get", "get"]);
    }
  });
});
