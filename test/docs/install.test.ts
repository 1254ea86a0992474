/** What docs/install.md says of permissions and flags is what there is. */
import { describe, expect, it } from "@effect/vitest";
import { Effect } from "effect";
import { OPERATOR_PERMISSIONS, type Permission } from "../../src/domain/manifests/permissions.ts";
import { resourceOf } from "../../src/domain/manifests/rbac.ts";
import { nodeop } from "../programs/support.ts";
import { document, rowsWith } from "./documents.ts";

const { text } = document("docs/install.md");

const PLACES = {
  cluster: "cluster",
  operations: "operations",
  nodeEvents: "`default`",
  own: "its own namespace",
  ceiling: "its own namespace, with `--max-unavailable`",
} as const;

const rowOf = ({ scope, about, verbs, why }: Permission) => ({
  where: PLACES[scope],
  resource: [
    [resourceOf(about), about.resource.group].filter((part) => part !== "").join("."),
    ...(about.names ?? []),
  ]
    .map((name) => `\`${name}\``)
    .join(" "),
  verbs: verbs.toSorted().join(", "),
  why,
});

describe("docs/install.md", () => {
  it("lists every permission of the operator, each with its reason", () => {
    expect(rowsWith(text, "where", "resource", "verbs", "why")).toEqual(
      OPERATOR_PERMISSIONS.map(rowOf),
    );
  });

  it.live("explains every flag of the command, and no other", () =>
    Effect.gen(function* () {
      const { stdout } = yield* nodeop("manifests", "--help");
      const own = stdout.split("GLOBAL FLAGS")[0]!;
      const flags = [...own.matchAll(/^ {2}(--[a-z-]+)/gmu)].map(([, flag]) => flag);
      const explained = rowsWith(text, "flag", "what").map(({ flag }) =>
        /^`(--[a-z-]+)/u.exec(flag!)?.[1]?.replace("--no-", "--"),
      );
      expect(explained).toEqual(flags);
    }),
  );
});
