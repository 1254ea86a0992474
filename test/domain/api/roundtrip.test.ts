import { describe, expect, it } from "@effect/vitest";
import { Arbitrary, Result, Schema } from "effect";
import { decodeNodeOp, decodeNodeOpUpgrade } from "../../../src/domain/api/decode.ts";
import { NodeOp } from "../../../src/domain/api/nodeop.ts";
import { NodeOpUpgrade } from "../../../src/domain/api/nodeopupgrade.ts";
import { nodeOp, nodeOpUpgrade, TIME } from "./fixtures.ts";

const runs = { arbitrary: { runs: 100, seed: "nodeop" } };
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const laws = <A, B>(
  kind: "NodeOp" | "NodeOpUpgrade",
  schema: Schema.Codec<A, B>,
  decode: (json: unknown) => Result.Result<A, Error>,
) =>
  describe(`a ${kind}`, () => {
    const encode = Schema.encodeSync(schema);
    const decodeWhole = Schema.decodeUnknownSync(Schema.toCodecGoJson(schema));
    const values: [Arbitrary.Arbitrary<A>] = [Arbitrary.schema(schema)];

    it.prop(
      "a value survives encoding and decoding",
      values,
      ([value]) => {
        expect(Result.getOrThrow(decode(asJson(encode(value))))).toEqual(asJson(value));
      },
      runs,
    );

    it.prop(
      "a decoded value is already the JSON to write back",
      values,
      ([value]) => {
        const decoded = Result.getOrThrow(decode(asJson(value)));
        expect(encode(decoded)).toEqual(decoded);
        expect(Result.getOrThrow(decode(asJson(decoded)))).toEqual(decoded);
      },
      runs,
    );

    it.prop(
      "decoding part by part equals decoding with the whole schema",
      values,
      ([value]) => {
        const json = asJson(value);
        expect(Result.getOrThrow(decode(json))).toEqual(decodeWhole(json));
      },
      runs,
    );
  });

laws("NodeOp", NodeOp, decodeNodeOp);
laws("NodeOpUpgrade", NodeOpUpgrade, decodeNodeOpUpgrade);

const alien = { alien: { deep: [1, null, { x: "y" }] } };

describe("unknown fields survive a read-modify-write", () => {
  it("at every level of a NodeOp", () => {
    const json = nodeOp(
      {
        ...alien,
        command: ["true"],
        hostMountPath: "/host",
        cordon: true,
        uncordonOnFailure: false,
        unreadyNodes: "Skip",
        includeNewNodes: true,
        rebootOnSuccess: false,
        concurrency: 0,
        stopOnFailure: false,
        nodeSelector: {
          ...alien,
          matchExpressions: [{ ...alien, key: "a", operator: "Exists" }],
        },
        imagePullSecrets: [{ ...alien, name: "s" }],
        drainOptions: {
          ...alien,
          enabled: true,
          force: false,
          ignoreDaemonSets: true,
          deleteEmptyDirData: false,
        },
        preflight: { ...alien, command: ["check"], activeDeadlineSeconds: 1 },
        deadlines: {
          ...alien,
          preflightSeconds: 1,
          drainSeconds: 5,
          upgradeSeconds: 2,
          rebootSeconds: 3,
          readySeconds: 4,
        },
      },
      {
        ...alien,
        metadata: {
          ...nodeOp({}).metadata,
          ...alien,
          managedFields: [{ manager: "kubectl", fieldsV1: { "f:spec": {} } }],
          ownerReferences: [{ ...alien, apiVersion: "v1", kind: "X", name: "x", uid: "u" }],
        },
        status: {
          ...alien,
          conditions: [
            {
              ...alien,
              type: "Ready",
              status: "True",
              reason: "Done",
              message: "",
              lastTransitionTime: TIME,
            },
          ],
          nodeStatuses: { "worker-1": { ...alien, phase: "Running" } },
        },
      },
    );
    const decoded = Result.getOrThrow(decodeNodeOp(json));
    expect(decoded).toEqual(json);
    expect(Schema.encodeSync(NodeOp)(decoded)).toEqual(json);
  });

  it("and in a NodeOpUpgrade", () => {
    const decoded = Result.getOrThrow(
      decodeNodeOpUpgrade(nodeOpUpgrade({ ...alien, image: "x" }, { status: { ...alien } })),
    );
    expect(decoded.spec).toMatchObject(alien);
    expect(Schema.encodeSync(NodeOpUpgrade)(decoded)).toMatchObject({ status: alien });
  });
});
