/** The image as the node labeler's Pod: as nobody, with the mounts of the DaemonSet, on a host that says it is a Kairos host. */
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { Effect, Schema } from "effect";
import { inject } from "vitest";
import { DEFAULT_NAMESPACE, LABELER_NAME } from "../../src/domain/manifests/installation.ts";
import { otherCaCertificate } from "../services/live/support/certificates.ts";
import { kubectl } from "../support/controlPlane/kubectl.ts";
import { podFlags, PodSpec } from "./podFlags.ts";
import { directoryIn, eventually, inCluster, startContainer, tellingLogs } from "./running.ts";

const image = inject("image");
const controlPlane = inject("controlPlane");

const account = { namespace: DEFAULT_NAMESPACE, name: LABELER_NAME };
const NODE = "labelled-by-the-image";

const decodeDaemonSet = Schema.decodeEffect(
  Schema.fromJsonString(
    Schema.Struct({ spec: Schema.Struct({ template: Schema.Struct({ spec: PodSpec }) }) }),
  ),
);

const RELEASE =
  'KAIROS_ID="kairos"\nKAIROS_RELEASE="v3.4.2"\nKAIROS_SOFTWARE_VERSION="v1.30.11+k3s1"\n';

describe.runIf(image !== undefined && controlPlane !== undefined)(
  "the image as node labeler",
  () => {
    if (image === undefined || controlPlane === undefined) return;
    const run = (...args: ReadonlyArray<string>) => kubectl(controlPlane, args);

    /** The DaemonSet's Pod on the node, in a cluster whose certificates the authority signs. */
    const labeler = Effect.fnUntraced(function* (authority?: string) {
      yield* run(
        "apply",
        "--server-side",
        "-f",
        new URL("../../deploy/install.yaml", import.meta.url).pathname,
      );
      const { spec } = (yield* Effect.flatMap(
        run("get", "daemonset", LABELER_NAME, "-n", DEFAULT_NAMESPACE, "-o", "json"),
        decodeDaemonSet,
      )).spec.template;
      // As on an immutable system: the file in /etc is a link to where the image has it.
      const etc = directoryIn(controlPlane, { "kairos-release": RELEASE });
      const firmware = directoryIn(controlPlane, {});
      mkdirSync(`${firmware}/efi`);
      writeFileSync(`${firmware}/efi/fw_platform_size`, "64\n");
      return yield* startContainer(
        image,
        [
          ...podFlags(spec, {
            fields: { "spec.nodeName": NODE },
            volumes: { etc, "usr-lib": directoryIn(controlPlane, {}), firmware },
          }),
          ...(yield* inCluster(controlPlane, account, authority)),
        ],
        spec.containers[0].args,
      );
    });

    it.live("labels its Node by what the mounted host says", () =>
      Effect.gen(function* () {
        const input = JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: NODE } });
        yield* kubectl(controlPlane, ["apply", "-f", "-"], { input });
        const container = yield* labeler();
        const labels = run("get", "node", NODE, "-o", "jsonpath={.metadata.labels}");
        yield* tellingLogs(
          container,
          Effect.gen(function* () {
            const text = yield* eventually(
              "the Node to be labelled",
              Effect.map(labels, (now) => (now.includes("kairos.io/managed") ? now : undefined)),
            );
            expect(JSON.parse(text)).toMatchObject({
              "kairos.io/managed": "true",
              "kairos.io/id": "kairos",
              "kairos.io/release": "v3.4.2",
              "kairos.io/software-version": "v1.30.11-k3s1",
            });
            const { exitCode, millis } = yield* container.stop;
            expect(exitCode).toBe(0);
            expect(millis).toBeLessThanOrEqual(2000);
          }),
        );
      }),
    );

    it.live(
      "does not talk to a server whose certificate the cluster's authority has not signed",
      () =>
        Effect.gen(function* () {
          const container = yield* labeler(otherCaCertificate);
          const logs = yield* eventually(
            "the labeler to complain",
            Effect.map(container.logs, (text) => (text.includes("try again") ? text : undefined)),
          );
          expect(logs).toMatch(/certificate/u);
        }),
    );
  },
);
