/** What is said of a refusal beside the server's own words. */
import { expect, it } from "@effect/vitest";
import { advised } from "../../../src/domain/kube/refusal.ts";

it.each([
  ['pods "a" is forbidden: violates PodSecurity "baseline:latest": …', "enforce: privileged"],
  ['pods "a" is forbidden: exceeded quota: q, requested: pods=1, …', "raise the quota"],
  ['pods "a" is forbidden: failed quota: q: must specify requests.cpu for: c', "LimitRange"],
])("%s: says what to do", (refusal, advice) => {
  expect(advised(refusal)).toMatch(new RegExp(`; .*${advice}`, "u"));
  expect(advised(refusal).startsWith(refusal)).toBe(true);
});

it("leaves the words of a webhook as they are: nobody knows better", () => {
  const refusal = 'admission webhook "policy" denied the request: no';
  expect(advised(refusal)).toBe(refusal);
});
