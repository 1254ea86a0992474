/** The CRDs as users meet them with kubectl: names and columns, apply again and again, what is refused and in which words. */
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import { NodeOpUpgrades } from "../../../src/domain/kube/resource.ts";
import type { KubectlFailed } from "../../support/controlPlane/kubectl.ts";
import {
  E2e,
  exampleFile,
  hasEnded,
  machines,
  newNamespace,
  operationWhere,
  startOperator,
} from "../support/E2e.ts";
import { nodesOf } from "../support/MachinePool.ts";
import { canaryWith, example } from "../support/manifests.ts";

const EXAMPLES = ["canary", "canary-fails", "full", "nodeop", "recovery-only"];

/** The words of a table's first line, and its rows as lists of words. */
const tableOf = (printed: string) => {
  const [head = "", ...rows] = printed.trimEnd().split("\n");
  return { head: head.split(/\s{2,}/u).map((word) => word.trim()), rows };
};

export const definitions = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect(
    "every example is accepted, and applied again changes nothing, by client and by server",
    () =>
      Effect.gen(function* () {
        const { kubectl } = yield* E2e;
        const apply = (name: string, ...flags: ReadonlyArray<string>) =>
          kubectl(["apply", ...flags, "-f", exampleFile(name)]);
        for (const name of EXAMPLES) {
          expect(yield* apply(name)).toMatch(/ created\n$/u);
          expect(yield* apply(name)).toMatch(/ unchanged\n$/u);
          const { kind, metadata } = example(name);
          const object = `${kind.toLowerCase()}/${metadata.name}`;
          const version = ["get", object, "-o", "jsonpath={.metadata.generation}"];
          yield* apply(name, "--server-side", "--force-conflicts");
          yield* apply(name, "--server-side", "--force-conflicts");
          expect(yield* kubectl(version)).toBe("1");
          yield* kubectl(["delete", object]);
        }
      }),
  );

  it.effect("discovery knows short names, categories and columns", () =>
    Effect.gen(function* () {
      const { kubectl } = yield* E2e;
      const printed = yield* kubectl([
        "api-resources",
        "--api-group=operator.kairos.io",
        "-o",
        "wide",
      ]);
      expect(printed).toMatch(/^nodeops +nop .*NodeOp .*kairos$/mu);
      expect(printed).toMatch(/^nodeopupgrades +\S+ .*NodeOpUpgrade .*kairos$/mu);
      yield* kubectl(["apply", "-f", exampleFile("canary")]);
      expect(yield* kubectl(["get", "kairos"])).toContain("kairos-upgrade");
      yield* kubectl(["delete", "-f", exampleFile("canary")]);
    }),
  );

  it.effect(
    "a changed image is refused with the sentence of the field; a default written out is not",
    () =>
      Effect.gen(function* () {
        const { kubectl } = yield* E2e;
        yield* newNamespace("definitions");
        const apply = (spec: Readonly<Record<string, unknown>>) =>
          kubectl(["apply", "-f", "-"], { input: canaryWith(spec, { namespace: "definitions" }) });
        yield* apply({});
        const refused: KubectlFailed = yield* Effect.flip(
          apply({ image: "quay.io/kairos/other:v1" }),
        );
        expect(refused.stderr).toContain(
          "image is immutable, because it defines the operation; to run another one, create one with a new name",
        );
        expect(yield* apply({ upgradeActive: true, force: false, upgradeRecovery: false })).toMatch(
          /(?:configured|unchanged)\n$/u,
        );
      }).pipe(Effect.scoped),
  );

  it.effect("an object that became invalid before still takes writes of its status", () =>
    Effect.gen(function* () {
      const { admin, kubectl } = yield* E2e;
      yield* newNamespace("legacy");
      const crd = "crd/nodeopupgrades.operator.kairos.io";
      const at =
        "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/concurrency/minimum";
      const patch = (op: object) =>
        kubectl(["patch", crd, "--type=json", "-p", JSON.stringify([op])]);
      yield* patch({ op: "replace", path: at, value: -10 });
      const input = canaryWith({ concurrency: -3 }, { name: "old", namespace: "legacy" });
      // The API server takes a moment to serve a changed definition.
      yield* kubectl(["apply", "-f", "-"], { input }).pipe(Effect.retry({ times: 20 }));
      yield* patch({ op: "replace", path: at, value: 0 });
      const again = kubectl(["apply", "--dry-run=server", "-f", "-"], {
        input: canaryWith({ concurrency: -3 }, { name: "new", namespace: "legacy" }),
      });
      yield* Effect.flip(again).pipe(Effect.retry({ times: 20 }));
      const answer = yield* admin.request({
        verb: "patch",
        resource: NodeOpUpgrades,
        namespace: "legacy",
        name: "old",
        subresource: "status",
        body: { status: { message: "spec.concurrency must not be negative" } },
      });
      expect(answer).toMatchObject({
        status: { message: "spec.concurrency must not be negative" },
        spec: { concurrency: -3 },
      });
    }).pipe(Effect.scoped),
  );

  it.effect("kubectl get shows what the page shows, and our columns", () =>
    Effect.gen(function* () {
      const { kubectl } = yield* E2e;
      yield* machines(nodesOf(1, 0));
      yield* startOperator();
      yield* kubectl(["apply", "-f", exampleFile("canary")]);
      yield* operationWhere("kairos-upgrade", hasEnded);
      const jobs = tableOf(yield* kubectl(["get", "jobs", "-A"]));
      expect(jobs.head).toEqual(["NAMESPACE", "NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE"]);
      const ours = jobs.rows.filter((row) => row.includes("kairos-upgrade"));
      expect(ours).toHaveLength(1);
      expect(ours[0]).toMatch(
        /^default +kairos-upgrade-cp-1-[a-z0-9]{5} +Complete +1\/1 +\d+s +\d+s$/u,
      );
      const upgrades = tableOf(yield* kubectl(["get", "nodeopupgrades"]));
      expect(upgrades.head).toEqual(["NAME", "PHASE", "DONE", "FAILED", "MESSAGE", "AGE"]);
      expect(upgrades.rows[0]).toMatch(/^kairos-upgrade +Completed +.*1\/1/u);
    }).pipe(Effect.scoped),
  );
};
