/** The node labeler as a process with its own account: a fresh Node gets what the page's example selects. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import { accountKubeconfig } from "../../support/controlPlane/kubectl.ts";
import { E2e, machines, OPERATOR_NAMESPACE } from "../support/E2e.ts";
import { nodesOf } from "../support/MachinePool.ts";
import { BUNDLE } from "../support/OperatorProcess.ts";

const RELEASE = [
  'KAIROS_ID="kairos"',
  'KAIROS_VERSION="v3.4.2"',
  'KAIROS_FLAVOR="opensuse"',
  "",
].join("\n");

export const labeler = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect("the labeler labels its Node once, and the second time writes nothing", () =>
    Effect.gen(function* () {
      const { controlPlane, kubectl } = yield* E2e;
      yield* machines(nodesOf(1, 0, { labels: { "kairos.io/managed": "" } }));
      yield* kubectl(["label", "node", "cp-1", "kairos.io/managed-"]);
      const account = { namespace: OPERATOR_NAMESPACE, name: "kairos-node-labeler" };
      const kubeconfig = yield* accountKubeconfig(controlPlane, account);
      const root = join(controlPlane.folder, "host");
      mkdirSync(join(root, "etc"), { recursive: true });
      writeFileSync(join(root, "etc", "kairos-release"), RELEASE);
      const label = Effect.callback<string>((resume) => {
        const environment = { PATH: process.env["PATH"], NODE_NAME: "cp-1", HOST_ROOT: root };
        const flags = [BUNDLE, "node-labeler", "--once", `--kubeconfig=${kubeconfig}`];
        const child = spawn(process.execPath, flags, { env: environment });
        let output = "";
        for (const stream of [child.stdout, child.stderr])
          stream.setEncoding("utf8").on("data", (text: string) => (output += text));
        child.once("exit", (code) => resume(Effect.succeed(`${code}\n${output}`)));
        return Effect.sync(() => child.kill("SIGKILL"));
      });
      const version = ["get", "node", "cp-1", "-o", "jsonpath={.metadata.resourceVersion}"];
      expect(yield* label).toMatch(/^0\n/u);
      const node = yield* kubectl(["get", "node", "cp-1", "-o", "jsonpath={.metadata.labels}"]);
      expect(JSON.parse(node)).toMatchObject({ "kairos.io/managed": "true" });
      const before = yield* kubectl(version);
      expect(yield* label).toMatch(/^0\n/u);
      expect(yield* kubectl(version)).toBe(before);
    }).pipe(Effect.scoped),
  );
};
