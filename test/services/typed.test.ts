import { describe, expect, it } from "@effect/vitest";
import { Effect, Exit, Option, Result, Schema } from "effect";
import { Nodes } from "../../src/domain/kube/resource.ts";
import { Undecodable } from "../../src/services/KubeError.ts";
import { typed, typedWith } from "../../src/services/typed.ts";
import { thing, ThingResource, thingJson } from "./support/things.ts";

describe("typed", () => {
  it.effect("decodes an object and drops what its type does not name", () =>
    Effect.gen(function* () {
      expect(yield* ThingResource.decode(thingJson("a", "u1", 7))).toEqual(thing("a", "u1", 7));
    }),
  );

  it.effect("an error names the object and every path that is wrong", () =>
    Effect.gen(function* () {
      const json = {
        metadata: { name: "a", namespace: "default", uid: "u1" },
        spec: { size: "big" },
      };
      const error = yield* Effect.flip(ThingResource.decode(json));
      expect(error).toBeInstanceOf(Undecodable);
      expect(error.message).toContain("decode Thing default/a: ");
      expect(error.message).toContain("metadata.resourceVersion: ");
      expect(error.message).toContain("spec.size: ");
    }),
  );

  it.effect("JSON that is no object at all is undecodable, too", () =>
    Effect.gen(function* () {
      for (const json of [null, 3, "text", []]) {
        const error = yield* Effect.flip(ThingResource.decode(json));
        expect(error.request).toBe("decode Thing");
      }
    }),
  );

  it.effect("Go's null stands for an absent map or list", () =>
    Effect.gen(function* () {
      const resource = typed(
        Nodes,
        Schema.Struct({
          taints: Schema.Array(Schema.String),
          labels: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
        }),
      );
      expect(yield* resource.decode({ taints: null, labels: null })).toEqual({ taints: [] });
    }),
  );

  it("decodes each object once, by identity, successes and failures alike", () => {
    let runs = 0;
    const resource = typedWith(Nodes, (json) => {
      runs++;
      return json === poisoned ? Result.fail("spec: poisoned") : Result.succeed({ json });
    });
    const poisoned = {};
    const sound = {};
    expect(resource.decode(sound)).toBe(resource.decode(sound));
    expect(resource.decode(poisoned)).toBe(resource.decode(poisoned));
    expect(runs).toBe(2);
    resource.decode({ ...sound });
    expect(runs).toBe(3);
  });

  it("a decoder that throws makes the object undecodable, not the program die", () => {
    const resource = typedWith<never>(Nodes, () => {
      throw new Error("oh");
    });
    const exit = resource.decode({ metadata: { name: "n1" } });
    const error = Option.getOrThrow(Exit.findErrorOption(exit));
    expect(error.message).toBe("decode Node n1: its decoder threw Error: oh");
  });
});
