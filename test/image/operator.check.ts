/** The image as the operator's Pod: with the rights, the account and the arguments of the Deployment, in a real cluster. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { Effect, Option, Schema } from "effect";
import { inject } from "vitest";
import {
  DEFAULT_NAMESPACE,
  LEASE_NAME,
  OPERATOR_NAME,
} from "../../src/domain/manifests/installation.ts";
import { readAudit } from "../support/controlPlane/audit.ts";
import { kubectl } from "../support/controlPlane/kubectl.ts";
import { freePorts } from "../support/controlPlane/ports.ts";
import { podFlags, PodSpec } from "./podFlags.ts";
import { eventually, inCluster, startContainer, tellingLogs } from "./running.ts";

const image = inject("image");
const controlPlane = inject("controlPlane");

const account = { namespace: DEFAULT_NAMESPACE, name: OPERATOR_NAME };
const POD_NAME = "operator-of-the-image";

const decodeDeployment = Schema.decodeEffect(
  Schema.fromJsonString(
    Schema.Struct({ spec: Schema.Struct({ template: Schema.Struct({ spec: PodSpec }) }) }),
  ),
);

const operation = {
  apiVersion: "operator.kairos.io/v1alpha1",
  kind: "NodeOpUpgrade",
  metadata: { name: "for-nobody", namespace: "default" },
  spec: {
    image: "quay.io/kairos/opensuse:leap-15.6",
    nodeSelector: { matchLabels: { "nodeop.test/selected": "never" } },
  },
};

/** GET; undefined while nobody answers. */
const get = (port: number, path: string) =>
  Effect.tryPromise(() =>
    fetch(`http://127.0.0.1:${port}${path}`).then((response) =>
      response.text().then((body) => ({ status: response.status, body })),
    ),
  ).pipe(Effect.option, Effect.map(Option.getOrUndefined));

describe.runIf(image !== undefined && controlPlane !== undefined)("the image as operator", () => {
  if (image === undefined || controlPlane === undefined) return;
  const run = (...args: ReadonlyArray<string>) => kubectl(controlPlane, args);

  it.live(
    "leads, reconciles and ends as its Deployment runs it, with its account and nothing else",
    () =>
      Effect.gen(function* () {
        yield* run(
          "apply",
          "--server-side",
          "-f",
          new URL("../../deploy/install.yaml", import.meta.url).pathname,
        );
        const { spec } = (yield* Effect.flatMap(
          run("get", "deployment", OPERATOR_NAME, "-n", DEFAULT_NAMESPACE, "-o", "json"),
          decodeDeployment,
        )).spec.template;
        const [health = 0, metrics = 0] = yield* freePorts(2);
        const container = yield* startContainer(
          image,
          [
            ...podFlags(spec, {
              fields: { "metadata.name": POD_NAME, "metadata.namespace": DEFAULT_NAMESPACE },
            }),
            ...(yield* inCluster(controlPlane, account)),
            `--env=NODEOP_HEALTH_ADDRESS=127.0.0.1:${health}`,
            `--env=NODEOP_METRICS_ADDRESS=127.0.0.1:${metrics}`,
          ],
          spec.containers[0].args,
        );
        yield* tellingLogs(
          container,
          Effect.gen(function* () {
            const seen = yield* eventually(
              "/readyz to answer 200",
              Effect.map(get(health, "/readyz"), (answer) =>
                answer?.status === 200 ? Date.now() : undefined,
              ),
            );
            const { StartedAt, Pid } = yield* container.state;
            const startMillis = seen - Date.parse(StartedAt);

            const lease = ["get", "lease", LEASE_NAME, "-n", DEFAULT_NAMESPACE];
            const holder = run(...lease, "-o", "jsonpath={.spec.holderIdentity}");
            yield* eventually(
              "the Lease to be taken",
              Effect.map(Effect.option(holder), Option.getOrUndefined).pipe(
                Effect.map((name) =>
                  name?.startsWith(`${POD_NAME}_`) === true ? name : undefined,
                ),
              ),
            );
            expect((yield* get(metrics, "/metrics"))?.body).toContain("nodeop_leader 1");

            yield* kubectl(controlPlane, ["apply", "-f", "-"], {
              input: JSON.stringify(operation),
            });
            const told = yield* eventually(
              "the operation to have a condition",
              Effect.map(
                run(
                  "get",
                  "nodeopupgrade",
                  "for-nobody",
                  "-o",
                  "jsonpath={.status.conditions[*].message}",
                ),
                (text) => (text === "" ? undefined : text),
              ),
            );
            expect(told).toContain("No node matches selector nodeop.test/selected=never");

            const status = readFileSync(`/proc/${Pid}/status`, "utf8");
            const kilobytes = (field: string) =>
              Number(new RegExp(String.raw`${field}:\s*(\d+) kB`, "u").exec(status)?.[1]);
            const mebibytes = (field: string) => Math.round(kilobytes(field) / 1024);
            expect(status).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/mu);
            expect(status).toMatch(/^CapEff:\t0+$/mu);
            expect(status).toMatch(/^NoNewPrivs:\t1$/mu);

            const { exitCode, millis } = yield* container.stop;
            console.log(
              `operator in its container: ready ${startMillis} ms after its start, ${mebibytes("VmRSS")} MiB (${mebibytes("RssAnon")} MiB of its own), stopped in ${millis} ms`,
            );
            // Seen: 48 to 62. The rest is Node's program file, which the kernel can drop.
            expect(mebibytes("RssAnon")).toBeLessThanOrEqual(80);
            expect(exitCode).toBe(0);
            expect(millis).toBeLessThanOrEqual(2000);
            expect(yield* holder).toBe("");
          }),
        );
        const asked = readAudit(controlPlane).filter(
          ({ user }) =>
            user.username === `system:serviceaccount:${account.namespace}:${account.name}`,
        );
        expect(
          asked.some(
            ({ verb, responseStatus }) => verb === "patch" && responseStatus?.code === 200,
          ),
        ).toBe(true);
        expect(asked.filter(({ responseStatus }) => responseStatus?.code === 403)).toEqual([]);
      }),
  );
});
