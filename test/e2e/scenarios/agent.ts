/** The reboot agent as a process in its Pod's name: what it runs on the host, how it ends, what its account may do. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { expect, type Vitest } from "@effect/vitest";
import { Effect, Schedule } from "effect";
import { Pods } from "../../../src/domain/kube/resource.ts";
import {
  ANNOTATION_REBOOT_GRANTED,
  ANNOTATION_REBOOT_STATE,
  LABEL_REBOOT,
} from "../../../src/domain/labels.ts";
import { podKubeconfig } from "../support/api.ts";
import { E2e, machines, startOperator } from "../support/E2e.ts";
import { nodesOf } from "../support/MachinePool.ts";
import { canaryWith } from "../support/manifests.ts";
import { BUNDLE } from "../support/OperatorProcess.ts";

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** The reboot Pod, once it is granted its reboot. */
const grantedPod = Effect.gen(function* () {
  const { observer } = yield* E2e;
  return yield* observer.until(() =>
    observer
      .objects(Pods)
      .find(
        ({ metadata: { labels, annotations } }) =>
          labels?.[LABEL_REBOOT] !== undefined &&
          annotations?.[ANNOTATION_REBOOT_GRANTED] !== undefined,
      ),
  );
});

/** Resources that `kubectl auth can-i --list` names, with their verbs; what every account may ask about itself is left out. */
const permitted = (printed: string): ReadonlyArray<string> =>
  printed
    .split("\n")
    .slice(1)
    .filter((line) => /^[a-z]/u.test(line) && !/^self\w+\./u.test(line))
    .map((line) => `${line.split(/\s+/u)[0]} ${/\[([^\]]*)\]\s*$/u.exec(line)?.[1]}`);

export const agent = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect(
    "granted, it reboots the host by nsenter, and SIGTERM does not end it as if it were done",
    () =>
      Effect.gen(function* () {
        const { controlPlane, kubectl, observer } = yield* E2e;
        yield* machines(nodesOf(1, 0), "default", { runsAgents: false });
        yield* startOperator();
        yield* kubectl(["apply", "-f", "-"], { input: canaryWith({}) });
        const pod = yield* grantedPod;
        const { namespace = "default", name, uid, annotations } = pod.metadata;
        const { serviceAccountName: account } = pod["spec"] as {
          readonly serviceAccountName: string;
        };
        const kubeconfig = yield* podKubeconfig(controlPlane, {
          namespace,
          account,
          pod: { name, uid },
        });

        const folder = join(controlPlane.folder, "agent");
        const [tools, sentinels, called] = ["bin", "sentinels", "called"].map((part) =>
          join(folder, part),
        ) as [string, string, string];
        for (const part of [tools, sentinels]) mkdirSync(part, { recursive: true });
        const stub = `#!/bin/sh\nprintf '%s' "$*" >${called}.part && mv ${called}.part ${called}\n`;
        writeFileSync(join(tools, "nsenter"), stub, { mode: 0o755 });
        const job = annotations?.[ANNOTATION_REBOOT_GRANTED] ?? "";
        writeFileSync(join(sentinels, job), readFileSync(BOOT_ID));

        const child = spawn(process.execPath, [BUNDLE, "reboot-agent"], {
          stdio: "ignore",
          env: {
            PATH: `${tools}${delimiter}${process.env["PATH"]}`,
            KUBECONFIG: kubeconfig,
            POD_NAME: name,
            POD_NAMESPACE: namespace,
            POD_UID: uid,
            SENTINEL_DIR: sentinels,
          },
        });
        const ended = new Promise((resolve) => {
          child.once("exit", (code, signal) => resolve(code ?? signal));
        });
        yield* Effect.addFinalizer(() => Effect.sync(() => child.kill("SIGKILL")));
        yield* Effect.sync(() => existsSync(called)).pipe(
          Effect.repeat({ until: (is) => is, schedule: Schedule.spaced("50 millis") }),
        );
        expect(readFileSync(called, "utf8")).toBe("-i -m -t 1 -- reboot");
        yield* observer.until(() =>
          observer
            .objects(Pods)
            .find(
              ({ metadata }) =>
                metadata.uid === uid &&
                metadata.annotations?.[ANNOTATION_REBOOT_STATE] !== undefined,
            ),
        );
        child.kill("SIGTERM");
        expect(yield* Effect.promise(() => ended)).not.toBe(0);

        const may = (where: string) =>
          kubectl(["auth", "can-i", "--list", "-n", where], { kubeconfig });
        expect(permitted(yield* may(namespace))).toEqual(["pods get watch patch"]);
        expect(permitted(yield* may("kube-system"))).toEqual([]);
      }).pipe(Effect.scoped),
  );
};
