/** The forms of names. */
import { describe, expect, it } from "@effect/vitest";
import { isDnsLabel, isDnsSubdomain } from "../../../src/domain/kube/dns.ts";

const names = {
  both: ["a", "0", "kube-system", "a".repeat(63)],
  subdomainsOnly: ["a.b", "worker-1.example.org", "a".repeat(64), `${"a.".repeat(126)}a`],
  neither: ["", "-a", "a-", "A", "a_b", "a..b", ".a", "a.", "a.-b", "a\n", "ä", "a".repeat(254)],
};

describe("names", () => {
  it("are labels: short and without dots", () => {
    expect(names.both.filter((name) => !isDnsLabel(name))).toEqual([]);
    expect([...names.subdomainsOnly, ...names.neither].filter(isDnsLabel)).toEqual([]);
  });
  it("are subdomains: labels joined by dots", () => {
    const subdomains = [...names.both, ...names.subdomainsOnly];
    expect(subdomains.filter((name) => !isDnsSubdomain(name))).toEqual([]);
    expect(names.neither.filter(isDnsSubdomain)).toEqual([]);
  });
});
