/** POST pods/<name>/binding: a scheduler assigns a Pod to a node, once (registry/core/pod/storage/storage.go BindingREST). */
import { Result } from "effect";
import { type KubeObject, kubeTime } from "../../domain/kube/object.ts";
import { Pods } from "../../domain/kube/resource.ts";
import type { StatusBody } from "../ApiServer.ts";
import { adopt, asArray, asObject, at, field, own, textOf, withFields } from "./json.ts";
import { conflict, notFound } from "./status.ts";
import type { WriteContext } from "./writing.ts";

const BOUND = own({
  kind: "Status",
  apiVersion: "v1",
  metadata: own({}),
  status: "Success",
  code: 201,
});

/** Assigns a Pod to the node that the body's target names, and says so in its condition PodScheduled. */
export const bindPod = (context: WriteContext): Result.Result<object, StatusBody> => {
  const { store, shelf, request, actor, sentAt } = context;
  const name = request.name ?? "";
  const pod = shelf.table.get({ namespace: request.namespace, name });
  if (pod === undefined) return Result.fail(notFound(Pods, name));
  const refused = whyNot(pod);
  if (refused !== undefined) return Result.fail(conflict(BINDINGS, name, refused));
  const nodeName = textOf(at(adopt(request.body), "target", "name"));
  const status = asObject(pod["status"]);
  const others = (asArray(field(status, "conditions")) ?? []).filter(
    (one) => field(one, "type") !== "PodScheduled",
  );
  const scheduled = own({
    type: "PodScheduled",
    status: "True",
    lastTransitionTime: kubeTime(store.now),
  });
  const after = withFields(pod, {
    spec: own({ ...asObject(pod["spec"]), nodeName }),
    status: own({ ...status, conditions: own([...others, scheduled]) }),
  });
  const origin = { actor, sentAt, verb: "create", subresource: "binding" } as const;
  store.commit(shelf, { ...origin, before: pod, after }, after);
  return Result.succeed(BOUND);
};

/** What the server's errors about bindings name. */
const BINDINGS = { ...Pods, plural: "pods/binding" };

const whyNot = (pod: KubeObject): string | undefined => {
  const { name, deletionTimestamp } = pod.metadata;
  const nodeName = at(pod, "spec", "nodeName");
  if (deletionTimestamp !== undefined)
    return `pod ${name} is being deleted, cannot be assigned to a host`;
  return nodeName === undefined
    ? undefined
    : `pod ${name} is already assigned to node ${JSON.stringify(nodeName)}`;
};
