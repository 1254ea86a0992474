/** What happens while volumes are detached: the operator dies, controllers are away, the driver never does it. */
import { describe, expect, it } from "@effect/vitest";
import type { Commit } from "../../../src/domain/history.ts";
import { Pods, VolumeAttachments } from "../../../src/domain/kube/resource.ts";
import type { Simulation } from "../../../src/programs/simulate/result.ts";
import { flaws, simulateVolumes } from "../../support/simulations.ts";
import { expectAtEvery, notCompleted, upTo } from "./everyMoment.ts";

const detachesOf = ({ history }: Simulation): ReadonlyArray<Commit> =>
  history.filter(
    ({ resource, after }) => resource.plural === VolumeAttachments.plural && after === undefined,
  );

const isEviction = ({ resource, verb }: Commit): boolean =>
  resource.plural === Pods.plural && verb === "evict";

describe("a cluster with a database", () => {
  const plain = simulateVolumes();
  const detaches = detachesOf(plain);

  it("moves its volume out of the way of each node", () => {
    expect(flaws(plain)).toEqual([]);
    expect(notCompleted(plain)).toEqual([]);
    expect(detaches.length).toBeGreaterThanOrEqual(2);
  });

  it("whenever the operator dies while it waits, what is left to wait for is found again", () => {
    // The first node has the database: some of what the operator asks for until its Job is there.
    const calls = upTo(36).filter((call) => call >= 16 && call % 4 === 0);
    expectAtEvery(calls, (call) => `operator:crash-after=${call}`, notCompleted, simulateVolumes);
  }, 60_000);

  it("ends as it would have when nobody detaches anything for twenty minutes", () => {
    const moment = plain.history.findIndex(isEviction) + 1;
    const simulation = simulateVolumes(`controller-manager:away@${moment}:20m`);
    expect(flaws(simulation)).toEqual([]);
    expect(notCompleted(simulation)).toEqual([]);
    const [first] = detachesOf(simulation);
    expect(first!.at - detaches[0]!.at).toBeGreaterThan(15 * 60_000);
  });

  it("breaks no law where nothing is ever detached, and says so", () => {
    const simulation = simulateVolumes("cp-1:volumes-stay");
    expect(flaws(simulation)).toEqual([]);
    expect(simulation.result).toMatchObject({ phase: "Failed" });
    expect(simulation.result.message).toContain("VolumeAttachment csi-pv-db-");
  });
});
