import { describe, expect, it } from "vitest";
import { Jobs, Nodes, Pods } from "../../../src/domain/kube/resource.ts";
import type { KubeRequest, WatchRequest } from "../../../src/services/KubeTransport.ts";
import { httpRequestOf, httpWatchOf } from "../../../src/services/live/httpRequest.ts";

const SERVER = "https://host:6443";

const said = (request: KubeRequest, server = SERVER): string => {
  const { method, url } = httpRequestOf(server, request);
  return `${method} ${url.replace(SERVER, "")}`;
};
const watched = (request: WatchRequest): string =>
  httpWatchOf(SERVER, request).url.replace(SERVER, "");

describe("a request becomes the path of the Kubernetes API", () => {
  it.each<[string, KubeRequest]>([
    ["GET /api/v1/nodes/n1", { verb: "get", resource: Nodes, name: "n1" }],
    ["GET /api/v1/pods", { verb: "list", resource: Pods }],
    ["GET /apis/batch/v1/namespaces/a/jobs", { verb: "list", resource: Jobs, namespace: "a" }],
    [
      "GET /api/v1/pods?labelSelector=a%3Db%2Cc+in+%28d%29&fieldSelector=spec.nodeName%3Dn&limit=500&continue=x%3D%3D&resourceVersion=0",
      {
        verb: "list",
        resource: Pods,
        query: {
          labelSelector: "a=b,c in (d)",
          fieldSelector: "spec.nodeName=n",
          limit: 500,
          continue: "x==",
          resourceVersion: "0",
        },
      },
    ],
    [
      "POST /apis/batch/v1/namespaces/a/jobs?fieldManager=nodeop&fieldValidation=Strict&dryRun=All",
      {
        verb: "create",
        resource: Jobs,
        namespace: "a",
        name: "named-in-the-body",
        body: {},
        query: { dryRun: true, fieldManager: "nodeop", fieldValidation: "Strict" },
      },
    ],
    [
      "POST /api/v1/namespaces/a/pods/p/eviction",
      {
        verb: "create",
        resource: Pods,
        namespace: "a",
        name: "p",
        subresource: "eviction",
        body: {},
      },
    ],
    [
      "PUT /api/v1/nodes/n1/status",
      { verb: "update", resource: Nodes, name: "n1", subresource: "status", body: {} },
    ],
    [
      "PATCH /api/v1/nodes/n1?fieldManager=m&force=true",
      {
        verb: "patch",
        resource: Nodes,
        name: "n1",
        patchType: "application/apply-patch+yaml",
        body: {},
        query: { fieldManager: "m", force: true, dryRun: false },
      },
    ],
    ["DELETE /api/v1/nodes/a%2Fb", { verb: "delete", resource: Nodes, name: "a/b", body: {} }],
  ])("%s", (expected, request) => {
    expect(said(request)).toBe(expected);
  });

  it("keeps the path of a server behind a proxy", () => {
    const request = { verb: "get", resource: Nodes, name: "n1" } as const;
    expect(said(request, "https://rancher/k8s/clusters/c-1/")).toBe(
      "GET https://rancher/k8s/clusters/c-1/api/v1/nodes/n1",
    );
  });
});

describe("a body", () => {
  it.each([
    [undefined, "application/merge-patch+json"],
    ["application/json-patch+json", "application/json-patch+json"],
    ["application/strategic-merge-patch+json", "application/strategic-merge-patch+json"],
    ["application/apply-patch+yaml", "application/apply-patch+yaml"],
  ] as const)("of a patch of type %s is sent as %s", (patchType, expected) => {
    const { body } = httpRequestOf(SERVER, {
      verb: "patch",
      resource: Nodes,
      name: "n",
      patchType,
      body: { a: 1 },
    });
    expect(body).toHaveProperty("contentType", expected);
  });

  it("of a delete is its options, as JSON", () => {
    const options = { kind: "DeleteOptions", preconditions: { uid: "u" } };
    const { body } = httpRequestOf(SERVER, {
      verb: "delete",
      resource: Nodes,
      name: "n",
      body: options,
    });
    expect(body._tag === "Uint8Array" && JSON.parse(new TextDecoder().decode(body.body))).toEqual(
      options,
    );
    expect(body).toHaveProperty("contentType", "application/json");
  });
});

describe("a watch", () => {
  it("asks for bookmarks unless it must not", () => {
    expect(watched({ resource: Nodes, resourceVersion: "7", timeoutSeconds: 300 })).toBe(
      "/api/v1/nodes?allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds=300&watch=true",
    );
    expect(watched({ resource: Nodes, allowWatchBookmarks: false })).toContain(
      "allowWatchBookmarks=false",
    );
  });
  it("is of a namespace and a selection", () => {
    expect(watched({ resource: Jobs, namespace: "a", labelSelector: "x=y" })).toBe(
      "/apis/batch/v1/namespaces/a/jobs?allowWatchBookmarks=true&labelSelector=x%3Dy&watch=true",
    );
  });
});
