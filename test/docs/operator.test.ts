/** The tables of docs/operator.md are what the code says. */
import { describe, expect, it } from "vitest";
import { apiDurations, apiRequests } from "../../src/services/apiMetrics.ts";
import * as metrics from "../../src/services/metrics.ts";
import { SETTINGS } from "../../src/programs/operatorCommand/flags.ts";
import { document, rowsWith } from "./documents.ts";

const { text } = document("docs/operator.md");

describe("docs/operator.md", () => {
  it("lists every flag with its variable, default and meaning, in the order of the code", () => {
    const rows = rowsWith(text, "flag", "environment", "default", "meaning");
    expect(rows).toEqual(
      Object.values(SETTINGS).map((setting) => ({
        flag: `\`--${setting.flag}\``,
        environment: `\`${setting.env}\``,
        default: setting.default,
        meaning: setting.meaning,
      })),
    );
  });

  it("lists every metric with its meaning", () => {
    const described = [...Object.values(metrics), apiRequests, apiDurations].flatMap((metric) =>
      typeof metric === "function" ? [] : [`${metric.id}: ${metric.description}`],
    );
    const rows = rowsWith(text, "metric", "what").map(
      (row) => `${row["metric"]!.replaceAll("`", "")}: ${row["what"]}`,
    );
    expect(rows.toSorted()).toEqual(described.toSorted());
  });
});
