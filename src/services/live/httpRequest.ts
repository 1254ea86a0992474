/** A request to the Kubernetes API as HTTP says it: method, path, query, content type, body (Kubernetes API concepts). */
import { HttpClientRequest, type HttpMethod } from "effect/http";
import type { Resource } from "../../domain/kube/resource.ts";
import type { KubeQuery, KubeRequest, WatchRequest } from "../KubeTransport.ts";

const METHODS: Readonly<Record<KubeRequest["verb"], HttpMethod.HttpMethod>> = {
  get: "GET",
  list: "GET",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
};

/** `/api/v1/namespaces/a/pods/b/eviction`, `/apis/batch/v1/jobs`, … */
const pathOf = (
  resource: Resource,
  namespace: string | undefined,
  ...rest: ReadonlyArray<string | undefined>
): string => {
  const root =
    resource.group === "" ? ["api", resource.version] : ["apis", resource.group, resource.version];
  const within = namespace === undefined ? [] : ["namespaces", namespace];
  return [...root, ...within, resource.plural, ...rest]
    .filter((part) => part !== undefined)
    .map((part) => `/${encodeURIComponent(part)}`)
    .join("");
};

const queryOf = (
  query: Readonly<Record<string, string | number | boolean | undefined>>,
): string => {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== "") params.set(name, String(value));
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
};

/** What the interface names by its meaning and the API by its value. */
const kubeQuery = ({ dryRun, force, ...same }: KubeQuery) => ({
  ...same,
  dryRun: dryRun === true ? "All" : undefined,
  force: force === true ? true : undefined,
});

/** Under the server's address, which may have a path of its own (Rancher, proxies). */
const urlOf = (server: string, path: string): string => `${server.replace(/\/+$/u, "")}${path}`;

/** What is sent for a request. Bodies are JSON, which the YAML of apply patches includes. */
export const httpRequestOf = (
  server: string,
  request: KubeRequest,
): HttpClientRequest.HttpClientRequest => {
  // A new object is posted to its collection; only subresources are created under a name.
  const name =
    request.verb === "create" && request.subresource === undefined ? undefined : request.name;
  const path = pathOf(request.resource, request.namespace, name, request.subresource);
  const url = urlOf(server, path + queryOf(kubeQuery(request.query ?? {})));
  const sent = HttpClientRequest.make(METHODS[request.verb])(url, { acceptJson: true });
  if (request.body === undefined) return sent;
  const contentType =
    request.verb === "patch"
      ? (request.patchType ?? "application/merge-patch+json")
      : "application/json";
  return HttpClientRequest.bodyText(sent, JSON.stringify(request.body), contentType);
};

/** What is sent to open a watch. Bookmarks are always asked for: they keep the version fresh, and show that the line lives. */
export const httpWatchOf = (
  server: string,
  { resource, namespace, ...query }: WatchRequest,
): HttpClientRequest.HttpClientRequest => {
  const asked = { allowWatchBookmarks: true, ...query, watch: true };
  return HttpClientRequest.get(urlOf(server, pathOf(resource, namespace) + queryOf(asked)), {
    acceptJson: true,
  });
};
