/** The real server's half of the contract: it observes what was recorded; with NODEOP_RECORD=1 it is recorded anew. */
import process from "node:process";
import { afterAll, describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { inject } from "vitest";
import { liveTransportLayer } from "../../src/services/live/liveTransport.ts";
import { groups } from "./cells/groups.ts";
import { readAnswers, writeAnswers } from "./support/answers.ts";
import { prepareServer } from "./support/realServer.ts";
import { namespaces, observe } from "./support/run.ts";

const controlPlane = inject("controlPlane");
const isRecording = process.env["NODEOP_RECORD"] === "1";

describe.runIf(controlPlane !== undefined)("a real server", () => {
  if (controlPlane === undefined) return;
  const namespace = namespaces("real");
  const target = liveTransportLayer({ kubeconfig: controlPlane.kubeconfig });
  it.live("serves what cells need beside our own kinds", () => prepareServer(controlPlane));
  for (const { title, controllers = false, cells } of groups) {
    // Controllers take seconds; cells know nothing of each other.
    describe(`contract: ${title}`, { concurrent: controllers }, () => {
      const recorded = readAnswers(title).cells;
      const now: Record<string, unknown> = {};
      for (const [name, script] of Object.entries(cells)) {
        it.live(
          `${title}: ${name}`,
          () =>
            Effect.gen(function* () {
              now[name] = yield* observe(script, namespace());
              if (!isRecording) expect(now[name]).toEqual(recorded[name]);
            }).pipe(Effect.provide(target)),
          120_000,
        );
      }
      afterAll(() => {
        // A cell that failed keeps what was recorded before; one that is gone is forgotten.
        const all = Object.keys(cells).map((name) => [name, now[name] ?? recorded[name]] as const);
        if (isRecording) {
          writeAnswers(title, { server: controlPlane.version, cells: Object.fromEntries(all) });
        }
      });
    });
  }
});
