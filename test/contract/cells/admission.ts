/** Admission by policy: PodSecurity by the labels of namespaces. ResourceQuotas are in quotas.ts. */
import { Effect } from "effect";
import { Jobs, Namespaces, Pods } from "../../../src/domain/kube/resource.ts";
import { type Body, type Group, type Kit, outcome, view } from "../support/cell.ts";
import { job, pod } from "../support/objects.ts";

const DRY_RUN = { query: { dryRun: true } } as const;
const HOST_PATH = { name: "host", hostPath: { path: "/" } };

const container = (name: string, securityContext?: Body): Body => ({
  name,
  image: "registry/image:1",
  ...(securityContext === undefined ? {} : { securityContext }),
});

const RESTRICTED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  runAsNonRoot: true,
  seccompProfile: { type: "RuntimeDefault" },
};

const enforce = (kit: Kit, level: string) =>
  Effect.gen(function* () {
    const labels = { "pod-security.kubernetes.io/enforce": level };
    yield* kit.patch(Namespaces, kit.ns, { metadata: { labels } });
    // The server sees its own labels late.
    if (level !== "privileged")
      yield* kit.until(
        outcome(kit.create(Pods, pod("probe", { hostPID: true }), DRY_RUN)),
        (found) => "error" in found,
      );
  });

const tried = (kit: Kit, specs: Readonly<Record<string, Body>>) =>
  Effect.all(
    Object.fromEntries(
      Object.entries(specs).map(([name, spec]) => [
        name,
        Effect.map(outcome(kit.create(Pods, pod(name, spec), DRY_RUN)), (found) =>
          view(found, "metadata.name"),
        ),
      ]),
    ),
  );

const under = (level: string, specs: Readonly<Record<string, Body>>) => (kit: Kit) =>
  Effect.andThen(enforce(kit, level), tried(kit, specs));

/** What nodeop makes: a Job's Pod, a reboot Pod, and one that wants nothing. */
const OURS: Readonly<Record<string, Body>> = {
  plain: {},
  upgrade: {
    initContainers: [container("nodeop", { privileged: true })],
    containers: [container("sentinel")],
    volumes: [HOST_PATH, { name: "sentinels", hostPath: { path: "/s" } }],
  },
  reboot: {
    hostPID: true,
    containers: [container("reboot", { privileged: true })],
    volumes: [HOST_PATH],
  },
  network: { hostNetwork: true, hostIPC: true },
  quiet: { containers: [container("c", RESTRICTED)] },
};

const WORST: Body = {
  hostPID: true,
  hostIPC: true,
  hostNetwork: true,
  securityContext: {
    runAsNonRoot: false,
    runAsUser: 0,
    seccompProfile: { type: "Unconfined" },
  },
  containers: [container("c", { privileged: true, capabilities: { add: ["SYS_ADMIN"] } })],
  volumes: [HOST_PATH],
};

/** The generated part of a name differs from run to run. */
const withoutSuffix = (found: object): object => ({
  ...found,
  ...("detail" in found ? { detail: String(found.detail).replace(/"p-\w+"/u, '"p-…"') } : {}),
});

export const admission: Group = {
  title: "admission",
  cells: {
    "PodSecurity × nothing is asked of a namespace without label": (kit) => tried(kit, OURS),
    "PodSecurity × privileged": under("privileged", OURS),
    "PodSecurity × baseline": under("baseline", OURS),
    "PodSecurity × restricted": under("restricted", OURS),
    "PodSecurity × baseline: everything at once, in order": under("baseline", { worst: WORST }),
    "PodSecurity × restricted: everything at once, in order": under("restricted", { worst: WORST }),
    "PodSecurity × baseline: capabilities and seccomp": under("baseline", {
      default: { containers: [container("c", { capabilities: { add: ["CHOWN", "KILL"] } })] },
      more: {
        initContainers: [container("i", { capabilities: { add: ["SYS_ADMIN"] } })],
        containers: [container("c", { capabilities: { add: ["NET_ADMIN", "CHOWN"] } })],
      },
      unconfined: { securityContext: { seccompProfile: { type: "Unconfined" } } },
      both: {
        securityContext: { seccompProfile: { type: "Unconfined" } },
        containers: [container("c", { seccompProfile: { type: "Unconfined" } })],
      },
    }),
    "PodSecurity × restricted: who says what": under("restricted", {
      pod: {
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
        containers: [
          container("c", { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } }),
        ],
      },
      root: {
        securityContext: { runAsNonRoot: false, runAsUser: 0 },
        containers: [container("c", { ...RESTRICTED, runAsNonRoot: false, runAsUser: 0 })],
      },
      unconfined: {
        securityContext: { seccompProfile: { type: "Unconfined" } },
        containers: [container("c", { ...RESTRICTED, seccompProfile: { type: "Unconfined" } })],
      },
      capabilities: {
        containers: [
          container("a", { ...RESTRICTED, capabilities: { drop: ["ALL"], add: ["CHOWN"] } }),
          container("b", {
            ...RESTRICTED,
            capabilities: { drop: ["KILL"], add: ["NET_BIND_SERVICE"] },
          }),
        ],
      },
    }),
    "PodSecurity × restricted: volumes": under("restricted", {
      allowed: {
        containers: [container("c", RESTRICTED)],
        volumes: [
          { name: "a", emptyDir: {} },
          { name: "b", configMap: { name: "x" } },
        ],
      },
      restricted: {
        containers: [container("c", RESTRICTED)],
        volumes: [
          { name: "a", nfs: { server: "s", path: "/" } },
          HOST_PATH,
          { name: "b", hostPath: { path: "/b" } },
        ],
      },
    }),
    "PodSecurity × a Job is taken, a Pod by a generated name is not": (kit) =>
      Effect.gen(function* () {
        yield* enforce(kit, "restricted");
        const generated = { ...pod(""), metadata: { generateName: "p-" } };
        return {
          job: view(yield* outcome(kit.create(Jobs, job("j", { suspend: true }))), "metadata.name"),
          pod: withoutSuffix(yield* outcome(kit.create(Pods, generated))),
        };
      }),
    "PodSecurity × a level that there is not": (kit) =>
      Effect.map(
        outcome(
          kit.patch(Namespaces, kit.ns, {
            metadata: { labels: { "pod-security.kubernetes.io/enforce": "strict" } },
          }),
        ),
        (found) => view(found, "metadata.name"),
      ),
  },
};
