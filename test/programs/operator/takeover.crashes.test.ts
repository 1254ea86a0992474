/** Whatever the Go original was doing when it stopped, nodeop goes on from there; and so it does when it dies itself. */
import { describe, expect, it } from "@effect/vitest";
import { deliver, type Interceptor } from "../../../src/services/simulation/interception.ts";
import { flaws, sceneOfOriginal, writes, type OriginalSceneOptions } from "./originalScene.ts";

const PREFLIGHT = { preflight: { command: ["/bin/true"] } };

const VARIANTS: ReadonlyArray<readonly [string, OriginalSceneOptions]> = [
  ["with a preflight, one at a time", { spec: PREFLIGHT }],
  ["all at once, looked at 90 s later", { spec: { concurrency: 0 }, pause: 90 }],
  ["without a reboot", { spec: { rebootOnSuccess: false } }],
  ["one at a time, looked at 10 min later", { spec: PREFLIGHT, pause: 600 }],
];

describe("an original that stops before or after its K-th write", () => {
  it.each(VARIANTS)(
    "has left one Job per node, and at the end every node is done and free: %s",
    (_, options) => {
      const { original } = sceneOfOriginal(options);
      expect(original.writes).toBeGreaterThan(8);
      const failures: Array<string> = [];
      for (let at = 1; at <= original.writes; at++)
        for (const before of [true, false]) {
          const { scene } = sceneOfOriginal({ ...options, dies: { at, before } });
          scene.startOperator();
          scene.pass(2400);
          const moment = `${before ? "before" : "after"} write ${at}`;
          for (const flaw of flaws(scene)) failures.push(`${moment}: ${flaw}`);
        }
      expect(failures).toEqual([]);
    },
    60_000,
  );
});

/** Kills the operator around its K-th write, once. */
const killedAt = (at: number, kind: "KillBefore" | "KillAfter"): Interceptor => {
  let count = 0;
  return ({ request }) => {
    if (["get", "list", "watch"].includes(request.verb)) return deliver;
    return ++count === at ? { kind } : deliver;
  };
};

const STOPPED: ReadonlyArray<readonly [string, OriginalSceneOptions]> = [
  [
    "while a Job runs",
    { until: (scene) => scene.status().nodeStatuses?.["cp-1"]?.phase === "Running" },
  ],
  ["right after it made a Job that its status does not know", { dies: { at: 8, before: false } }],
];

describe("an operator that dies while it takes over", () => {
  it.each(STOPPED)(
    "at any of its writes is followed by one that goes on: %s",
    (_, options) => {
      const { scene: undisturbed } = sceneOfOriginal(options);
      undisturbed.startOperator();
      undisturbed.pass(2400);
      expect(flaws(undisturbed)).toEqual([]);
      const failures: Array<string> = [];
      for (let at = 1; at <= writes(undisturbed).length; at++)
        for (const kind of ["KillBefore", "KillAfter"] as const) {
          const { scene } = sceneOfOriginal(options);
          const first = scene.startOperator({ intercept: killedAt(at, kind) });
          scene.until("the kill", () => !first.alive);
          scene.startOperator();
          scene.pass(2400);
          for (const flaw of flaws(scene)) failures.push(`${kind} ${at}: ${flaw}`);
        }
      expect(failures).toEqual([]);
    },
    60_000,
  );
});
