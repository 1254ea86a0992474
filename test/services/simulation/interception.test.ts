/** The fate of each call: who dies when, what is applied, and when what was held is applied. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Stream } from "effect";
import { Nodes } from "../../../src/domain/kube/resource.ts";
import { KubeTransport } from "../../../src/services/KubeTransport.ts";
import {
  type ApiCall,
  type Interception,
  planned,
} from "../../../src/services/simulation/interception.ts";
import { callEach, never, plan, setting } from "./harness.ts";
import { read, write } from "./tinyServer.ts";

const hold = (sender: "dies" | "givesUp"): Interception => ({
  kind: "Hold",
  until: { laterWrites: 0 },
  sender,
});

describe("the fate of a call", () => {
  const fates: ReadonlyArray<
    readonly [string, Interception, applied: number, seen: ReadonlyArray<string>, alive: boolean]
  > = [
    ["delivered", { kind: "Deliver" }, 3, ["ok", "ok", "ok"], true],
    ["killed before it is sent", { kind: "KillBefore" }, 1, ["ok"], false],
    ["killed after it is sent", hold("dies"), 2, ["ok"], false],
    ["killed after it is applied", { kind: "KillAfter" }, 2, ["ok"], false],
    ["given up and applied", hold("givesUp"), 3, ["ok", "Unreachable", "ok"], true],
    ["lost before it is applied", { kind: "LoseRequest" }, 2, ["ok", "Unreachable", "ok"], true],
    ["lost after it is applied", { kind: "LoseAnswer" }, 3, ["ok", "Unreachable", "ok"], true],
  ];

  it.each(fates)("%s", (_name, interception, applied, seenExpected, alive) => {
    for (const latency of [undefined, { minMillis: 1, maxMillis: 9 }]) {
      const { world, cluster, start } = setting();
      const seen: Array<string> = [];
      const killed: Array<ApiCall> = [];
      let finalized = false;
      const program = callEach([write("a"), write("b"), write("c")], seen).pipe(
        Effect.andThen(Effect.never),
        Effect.ensuring(Effect.sync(() => (finalized = true))),
      );
      const process = start("operator", program, {
        ...plan({ call: 2, interception }),
        onKill: (call) => {
          expect(world.current).toBeUndefined();
          killed.push(call);
        },
        latency,
      });
      expect(world.run(never)).toBe("idle");
      expect(seen.map((outcome) => (outcome.startsWith("{") ? "ok" : outcome))).toEqual(
        seenExpected,
      );
      expect(cluster.log).toHaveLength(applied);
      expect(process.alive).toBe(alive);
      expect(finalized).toBe(false);
      expect(killed.map(({ number, process: name }) => [number, name])).toEqual(
        alive ? [] : [[2, "operator"]],
      );
    }
  });

  it("at every position of every call: what is applied is a prefix, and nothing runs after death", () => {
    const names = ["a", "b", "c", "d"];
    for (let call = 1; call <= names.length; call++) {
      for (const [interception, applied] of [
        [{ kind: "KillBefore" }, call - 1],
        [hold("dies"), call],
        [{ kind: "KillAfter" }, call],
      ] as const) {
        const { world, cluster, start } = setting();
        const seen: Array<string> = [];
        start("operator", callEach(names.map(write), seen), plan({ call, interception }));
        expect(world.run(never)).toBe("idle");
        expect(cluster.written).toEqual(names.slice(0, applied));
        expect(seen).toHaveLength(call - 1);
      }
    }
  });

  it("calls are reads and writes, not watches, and are told with who asks what", () => {
    const { world, start } = setting();
    const calls: Array<ApiCall> = [];
    start(
      "operator",
      Effect.gen(function* () {
        const { request, watch } = yield* KubeTransport;
        yield* Effect.forkChild(Stream.runDrain(watch({ resource: Nodes })));
        yield* request(write("a"));
        yield* request(read("a"));
      }),
      {
        interceptor: (call) => {
          calls.push(call);
          return { kind: "Deliver" };
        },
      },
    );
    world.run(never);
    const who = { process: "operator", incarnation: 0, actor: "operator" };
    expect(calls).toEqual([
      { ...who, number: 1, request: write("a") },
      { ...who, number: 2, request: read("a") },
    ]);
  });

  it("a call that is planned twice is refused", () => {
    const interception: Interception = { kind: "KillBefore" };
    expect(() =>
      planned([
        { call: 1, interception },
        { call: 1, interception },
      ]),
    ).toThrow(/planned twice/);
  });

  it("the owner may restart the process after a delay; its calls are counted anew", () => {
    const { world, cluster, start } = setting();
    const supervisor = world.process("supervisor");
    const seen: Array<string> = [];
    const boot = (): void => {
      start("operator", callEach([write("a"), write("b")], seen), {
        ...(world.now < 2000 ? plan({ call: 2, interception: { kind: "KillAfter" } }) : {}),
        onKill: ({ incarnation }) => {
          seen.push(`killed ${incarnation} at ${world.now}`);
          supervisor.after(1000, boot);
        },
      });
    };
    boot();
    expect(world.run(never)).toBe("idle");
    expect(seen.filter((what) => what.startsWith("killed"))).toEqual([
      "killed 0 at 0",
      "killed 1 at 1000",
    ]);
    expect(cluster.written).toEqual(["a", "b", "a", "b", "a", "b"]);
  });
});

const others = ["x1", "x2", "x3"];
const tried = (name: string) => ({ ...write(name), query: { dryRun: true } });
/** Holds the write `late` until so many later ones; the others come in a row or all at once. */
const lateWrites = (laterWrites: number, concurrent: boolean) => {
  const { world, cluster, start } = setting();
  start("zombie", callEach([write("late")], []), {
    ...plan({
      call: 1,
      interception: { kind: "Hold", until: { laterWrites }, sender: "dies" },
    }),
  });
  if (concurrent)
    // All are in the server's queue before the first is applied.
    for (const name of others) start(name, callEach([write(name), read(name), tried(name)], []));
  else
    start(
      "other",
      Effect.andThen(
        Effect.sleep(50),
        callEach(
          [...others.flatMap((name) => [write(name), read(name), tried(name)]), write("refused")],
          [],
        ),
      ),
    );
  expect(world.run(never)).toBe("idle");
  return cluster;
};

const held = (laterWrites: number) =>
  plan({ call: 1, interception: { kind: "Hold", until: { laterWrites }, sender: "dies" } });

describe("a held request", () => {
  it.each([0, 1, 2, 3])(
    "is applied right after %d later writes; reads and dry runs do not count",
    (n) => {
      for (const concurrent of [false, true])
        expect(lateWrites(n, concurrent).written).toEqual(others.toSpliced(n, 0, "late"));
    },
  );

  it("is never applied when the moment never comes", () => {
    expect(lateWrites(4, false).written).toEqual(others);
  });

  it("keeps when it was sent, even though its sender is long dead", () => {
    expect(lateWrites(1, false).log[1]).toBe("late 2 zombie 0→50");
  });

  it("can wait for virtual time", () => {
    const { world, cluster, start } = setting();
    const seen: Array<string> = [];
    start(
      "slow",
      Effect.andThen(Effect.sleep(5), callEach([write("late"), write("next")], seen)),
      plan({
        call: 1,
        interception: { kind: "Hold", until: { millis: 3_600_000 }, sender: "givesUp" },
      }),
    );
    world.run(never);
    expect(seen[0]).toBe("Unreachable");
    expect(cluster.log).toEqual(["next 1 slow 5→5", "late 2 slow 5→3600005"]);
  });

  it("two of the same moment are applied in their order, and count as writes for others", () => {
    const { world, cluster, start } = setting();
    start("a", callEach([write("a")], []), held(1));
    start("b", callEach([write("b")], []), held(1));
    start("c", callEach([write("c")], []), held(3));
    start("d", Effect.andThen(Effect.sleep(1), callEach([write("d"), write("e")], [])));
    world.run(never);
    expect(cluster.written).toEqual(["d", "a", "b", "c", "e"]);
  });
});
