/**
 * The image as a reboot Pod: privileged, as root, among the processes of its host. No machine is rebooted: on this one
 * nsenter is a stub that writes down what it is called with; the real one enters a container that plays a host.
 */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { Effect, Schema } from "effect";
import { inject } from "vitest";
import { childNames } from "../../src/domain/names.ts";
import { agentAccess } from "../../src/domain/rollout/agentAccess.ts";
import { agentAccountName, rebootPod } from "../../src/domain/rollout/children.ts";
import { DEFAULT_SETTINGS } from "../../src/domain/rollout/observed.ts";
import { node, operation } from "../domain/rollout/support.ts";
import { readAudit } from "../support/controlPlane/audit.ts";
import { kubectl } from "../support/controlPlane/kubectl.ts";
import { runImage } from "./container.ts";
import { podFlags, PodSpec } from "./podFlags.ts";
import { directoryIn, eventually, inCluster, startContainer, tellingLogs } from "./running.ts";

const image = inject("image");
const controlPlane = inject("controlPlane");

/** A program that writes down what it is called with. The image has no shell, but it has Node. */
const STUB = `#!/usr/bin/node
const call = { at: Date.now(), args: process.argv.slice(2) };
require("node:fs").appendFileSync("/calls/all", JSON.stringify(call) + "\\n");
`;

/** What a host does while nothing happens: its first process ends when it is told to. */
const IDLE = `process.on("SIGTERM", () => process.exit()); setInterval(() => {}, 1e9);`;

const Call = Schema.fromJsonString(
  Schema.Struct({ at: Schema.Int, args: Schema.Array(Schema.String) }),
);
const OwnPod = Schema.fromJsonString(
  Schema.Struct({
    metadata: Schema.Struct({
      uid: Schema.String,
      annotations: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
    }),
  }),
);

const JOB = "7d0a6f6e-6f0c-4b2e-9d5e-2f9a3c1b8e11";
const EARLIER_JOB = "0a6c1d52-58a7-4c0e-8f64-7c1e5b9d2a30";

/** Nobody made the operation, so nothing can be owned by it: the garbage collector would take it away. */
const unowned = <A extends { readonly metadata: object }>(object: A) => ({
  ...object,
  metadata: { ...object.metadata, ownerReferences: [] },
});

const bootID = () => readFileSync("/proc/sys/kernel/random/boot_id", "utf8");

describe.runIf(image !== undefined && controlPlane !== undefined)(
  "the image as reboot agent",
  () => {
    if (image === undefined || controlPlane === undefined) return;
    const run = (...args: ReadonlyArray<string>) => kubectl(controlPlane, args);
    const apply = (object: object) =>
      kubectl(controlPlane, ["apply", "-f", "-"], { input: JSON.stringify(object) });
    /** The stub in the place of a program: flags that mount it, and what it was called with so far. */
    const stubAt = (path: string) => {
      const calls = directoryIn(controlPlane, { all: "" });
      const file = `${directoryIn(controlPlane, { stub: STUB })}/stub`;
      chmodSync(file, 0o755);
      return {
        mounts: [`--volume=${file}:${path}:ro`, `--volume=${calls}:/calls`],
        called: () =>
          readFileSync(`${calls}/all`, "utf8")
            .split("\n")
            .filter((line) => line !== "")
            .map((line) => Schema.decodeSync(Call)(line)),
      };
    };

    /** A reboot Pod on a node and in a namespace of their own. */
    const podOf = Effect.fnUntraced(function* (name: string) {
      const parent = { ...operation(), metadata: { ...operation().metadata, namespace: name } };
      const on = node(name);
      const { rebootPod: podName } = childNames(parent.metadata, on.metadata);
      const pod = rebootPod({ operation: parent, node: on, settings: DEFAULT_SETTINGS });
      yield* run("create", "namespace", name);
      yield* apply({ apiVersion: "v1", kind: "Node", metadata: { name } });
      for (const { object } of agentAccess(parent)) yield* apply(unowned(object));
      yield* apply(unowned(pod));
      const own = ["pod", podName, "-n", name];
      const read = Effect.map(
        Effect.flatMap(run("get", ...own, "-o", "json"), Schema.decodeEffect(OwnPod)),
        ({ metadata }) => metadata,
      );
      const { uid } = yield* read;
      const spec = yield* Schema.decodeUnknownEffect(PodSpec)(pod["spec"]);
      const sentinels = directoryIn(controlPlane, {});
      const flags = [
        ...podFlags(spec, {
          fields: { "metadata.name": podName, "metadata.namespace": name, "metadata.uid": uid },
          volumes: { "sentinel-volume": sentinels },
        }),
        ...(yield* inCluster(controlPlane, { namespace: name, name: agentAccountName(parent) })),
      ];
      return {
        uid,
        flags,
        args: spec.containers[0].args,
        sentinels,
        grant: run("annotate", ...own, `kairos.io/reboot-granted=${JOB}`),
        annotations: Effect.map(read, ({ annotations = {} }) => annotations),
      };
    });

    /** A container that plays a host, with the stub as its `reboot`; the flags of an agent that runs on it. */
    const hostWith = Effect.fnUntraced(function* (release: string) {
      const { mounts, called } = stubAt("/usr/bin/reboot");
      const etc = directoryIn(controlPlane, { "kairos-release": release });
      const host = yield* startContainer(
        image,
        [
          "--user=0",
          `--volume=${etc}/kairos-release:/etc/kairos-release:ro`,
          ...mounts,
          "--entrypoint=/usr/bin/node",
        ],
        ["-e", IDLE],
      );
      const on = (flags: ReadonlyArray<string>) => [
        ...flags.filter((flag) => flag !== "--pid=host"),
        `--pid=container:${host.name}`,
      ];
      return { called, on };
    });

    it.live("records the reboot, then calls nsenter, and does not end well when told to end", () =>
      Effect.gen(function* () {
        const {
          uid,
          flags,
          args: words,
          sentinels,
          grant,
          annotations,
        } = yield* podOf("image-reboots");
        const { mounts, called } = stubAt("/usr/bin/nsenter");
        // Before anything can reboot: it is the stub that would be called.
        runImage(image, [...mounts, "--user=0", "--entrypoint=/usr/bin/nsenter"], "probe");
        expect(called().map(({ args }) => args)).toEqual([["probe"]]);
        const container = yield* startContainer(image, [...flags, ...mounts], words);
        yield* tellingLogs(
          container,
          Effect.gen(function* () {
            yield* eventually(
              "the agent to have started",
              Effect.map(container.logs, (text) =>
                text.includes("the reboot agent starts") ? text : undefined,
              ),
            );
            yield* grant;
            expect((yield* annotations)["kairos.io/reboot-state"]).toBeUndefined();
            expect(called()).toHaveLength(1);

            writeFileSync(`${sentinels}/${JOB}`, bootID());
            const { at, args } = yield* eventually(
              "nsenter to be called",
              Effect.sync(() => called()[1]),
            );
            expect(args).toEqual(["-i", "-m", "-t", "1", "--", "reboot"]);
            expect(yield* annotations).toMatchObject({
              "kairos.io/reboot-state": "rebooting",
              "kairos.io/reboot-boot-id": bootID().trim(),
              "kairos.io/reboot-attempt": "1",
            });
            const patch = readAudit(controlPlane).find(
              ({ verb, user, responseObject }) =>
                verb === "patch" &&
                user.username.startsWith("system:serviceaccount:image-reboots:") &&
                JSON.stringify(responseObject).includes(uid),
            );
            expect(patch?.responseStatus?.code).toBe(200);
            expect(Date.parse(patch!.stageTimestamp)).toBeLessThanOrEqual(at);

            const { exitCode, millis } = yield* container.stop;
            expect(exitCode).toBe(143);
            expect(millis).toBeLessThanOrEqual(2000);
            expect(called()).toHaveLength(2);
          }),
        );
      }),
    );

    it.live("reboots its host with the image's nsenter", () =>
      Effect.gen(function* () {
        const { flags, args, sentinels, grant } = yield* podOf("image-enters");
        const { called, on } = yield* hostWith("");
        const container = yield* startContainer(image, on(flags), args);
        yield* tellingLogs(
          container,
          Effect.gen(function* () {
            writeFileSync(`${sentinels}/${JOB}`, bootID());
            yield* grant;
            const call = yield* eventually(
              "reboot to be called",
              Effect.sync(() => called()[0]),
            );
            expect(call.args).toEqual([]);
            yield* container.stop;
          }),
        );
      }),
    );

    it.live("reports another boot than the script's from its host's files, and ends well", () =>
      Effect.gen(function* () {
        const { flags, args, sentinels, grant, annotations } = yield* podOf("image-rebooted");
        const { called, on } = yield* hostWith('KAIROS_VERSION="v3.4.2"\n');
        const container = yield* startContainer(image, on(flags), args);
        yield* tellingLogs(
          container,
          Effect.gen(function* () {
            writeFileSync(`${sentinels}/${EARLIER_JOB}`, bootID());
            writeFileSync(`${sentinels}/${JOB}`, "another-boot\n");
            yield* grant;
            const { ExitCode } = yield* eventually(
              "the agent to end",
              Effect.map(container.state, (state) => (state.Running ? undefined : state)),
            );
            expect(ExitCode).toBe(0);
            const told = yield* annotations;
            expect(told["kairos.io/reboot-state"]).toBe("completed");
            expect(JSON.parse(told["kairos.io/reboot-report"]!)).toMatchObject({
              from: "another-boot",
              to: bootID().trim(),
              version: "v3.4.2",
            });
            expect(readdirSync(sentinels)).toEqual([JOB]);
            expect(called()).toEqual([]);
          }),
        );
      }),
    );
  },
);
