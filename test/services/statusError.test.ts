/** From Status bodies to typed errors, and requests in words. */
import { describe, expect, it } from "@effect/vitest";
import { Nodes, Pods } from "../../src/domain/kube/resource.ts";
import type { StatusBody } from "../../src/services/ApiServer.ts";
import type { KubeRequest } from "../../src/services/KubeTransport.ts";
import { describeRequest, statusToError } from "../../src/services/statusError.ts";

const request: KubeRequest = { verb: "patch", resource: Nodes, name: "worker-1" };

const status = (code: number, reason: string, more: Partial<StatusBody> = {}): StatusBody => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  code,
  reason,
  message: "why",
  ...more,
});

describe("describeRequest", () => {
  it.each<[KubeRequest, string]>([
    [request, "patch Node worker-1"],
    [{ ...request, subresource: "status" }, "patch status of Node worker-1"],
    [{ verb: "get", resource: Pods, namespace: "a", name: "b" }, "get Pod a/b"],
    [{ verb: "list", resource: Pods }, "list Pods"],
    [{ verb: "list", resource: Pods, namespace: "a" }, "list Pods in a"],
    [
      { verb: "create", resource: Pods, namespace: "a", body: { metadata: { name: "b" } } },
      "create Pod a/b",
    ],
    [
      {
        verb: "create",
        resource: Pods,
        namespace: "a",
        body: { metadata: { generateName: "b-" } },
      },
      "create Pod a/b-*",
    ],
    [{ verb: "create", resource: Pods, namespace: "a", body: null }, "create Pod in a"],
    [
      { verb: "create", resource: Pods, namespace: "a", name: "b", subresource: "eviction" },
      "evict Pod a/b",
    ],
  ])("%j is %s", (asked, words) => {
    expect(describeRequest(asked)).toBe(words);
  });

  it("a watch is a watch", () => {
    expect(describeRequest({ resource: Pods, namespace: "a" })).toBe("watch Pods in a");
  });
});

describe("statusToError", () => {
  it.each([
    [404, "NotFound", "NotFound"],
    [409, "AlreadyExists", "AlreadyExists"],
    [409, "Conflict", "Conflict"],
    [409, "", "Conflict"],
    [410, "Expired", "Expired"],
    [410, "Gone", "Expired"],
    [200, "Expired", "Expired"],
    [422, "Invalid", "Invalid"],
    [400, "BadRequest", "BadRequest"],
    [405, "MethodNotAllowed", "BadRequest"],
    [406, "NotAcceptable", "BadRequest"],
    [415, "UnsupportedMediaType", "BadRequest"],
    [413, "RequestEntityTooLarge", "BadRequest"],
    [403, "Forbidden", "Forbidden"],
    [401, "Unauthorized", "Unauthorized"],
    [429, "TooManyRequests", "TooManyRequests"],
    [500, "InternalError", "Unavailable"],
    [503, "ServiceUnavailable", "Unavailable"],
    [504, "Timeout", "Unavailable"],
    [500, "", "Unavailable"],
    [599, "SomethingNew", "Unavailable"],
    [418, "SomethingNew", "BadRequest"],
    [404, "SomethingNew", "NotFound"],
  ])("%i %s is %s", (code, reason, tag) => {
    const error = statusToError(request, status(code, reason));
    expect([error._tag, error.message]).toEqual([tag, "patch Node worker-1: why"]);
  });

  it("the reason counts more than the code", () => {
    expect(statusToError(request, status(500, "NotFound"))._tag).toBe("NotFound");
  });

  it("causes and the wait that the server asks for are kept", () => {
    const causes = [{ reason: "DisruptionBudget", message: "The disruption budget needs 1" }];
    const body = status(429, "TooManyRequests", { details: { causes, retryAfterSeconds: 10 } });
    expect(statusToError(request, body)).toMatchObject({ causes, retryAfterSeconds: 10 });
    expect(statusToError(request, status(503, ""))).toMatchObject({ code: 503 });
  });

  it("a request may be given in words; a Status without a message says its code", () => {
    const error = statusToError("evict Pod a/b", status(429, "TooManyRequests", { message: "" }));
    expect(error.message).toBe("evict Pod a/b: 429 TooManyRequests");
  });
});
