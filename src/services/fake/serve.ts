/** From a request to what answers it: which verbs a resource has, at which place. */
import { Result } from "effect";
import type { StatusBody } from "../ApiServer.ts";
import { bindPod } from "./binding.ts";
import { deleteObject } from "./deleting.ts";
import { evictPod } from "./evicting.ts";
import { getObject, listObjects } from "./reading.ts";
import { methodNotAllowed, noSuchResource, verbNotSupported } from "./status.ts";
import { createObject, updateObject, type WriteContext } from "./writing.ts";

type Served = Result.Result<unknown, StatusBody>;

/** Whether the kind has the subresource; `eviction` and `binding` belong to Pods. */
const hasSubresource = ({ shelf, request }: WriteContext): boolean => {
  const { kind } = shelf;
  switch (request.subresource) {
    case undefined:
      return true;
    case "status":
      return kind.hasStatus && request.verb !== "create" && request.verb !== "list";
    case "eviction":
    case "binding":
      return (
        kind.resource.group === "" && kind.resource.plural === "pods" && request.verb === "create"
      );
  }
};

/** Why there is nothing at the place that the request names. */
const misplaced = (context: WriteContext): StatusBody | undefined => {
  const { request, shelf } = context;
  const { namespaced } = shelf.kind.resource;
  const hasNamespace = request.namespace !== undefined && request.namespace !== "";
  if (!hasSubresource(context)) return noSuchResource();
  if (request.subresource === "status" && request.verb === "delete") {
    return verbNotSupported(shelf.kind.resource, "delete");
  }
  if (!namespaced) return hasNamespace ? noSuchResource() : undefined;
  if (hasNamespace || request.verb === "list") return undefined;
  return request.verb === "create" && !shelf.kind.custom ? methodNotAllowed() : noSuchResource();
};

/** Answers one request of a kind that is served. */
export const serve = (context: WriteContext): Served => {
  const { store, shelf, request } = context;
  const nowhere = misplaced(context);
  if (nowhere !== undefined) return Result.fail(nowhere);
  switch (request.verb) {
    case "get":
      return getObject(store, shelf, request);
    case "list":
      return listObjects(store, shelf, request);
    case "create":
      if (request.subresource === "eviction") return evictPod(context);
      return request.subresource === "binding" ? bindPod(context) : createObject(context);
    case "update":
    case "patch":
      return updateObject(context);
    case "delete":
      return deleteObject(context, request.body);
  }
};
