/**
 * POST pods/<name>/eviction: a deletion that disruption budgets may refuse (registry/core/pod/storage/eviction.go). What the
 * real server does again for ten seconds on a conflict is done once here: nobody comes between.
 */
import { Result } from "effect";
import { type KubeObject, kubeTime } from "../../domain/kube/object.ts";
import { PodDisruptionBudgets, Pods } from "../../domain/kube/resource.ts";
import { selectsLabels } from "../../domain/kube/selector.ts";
import type { StatusBody } from "../ApiServer.ts";
import {
  type BudgetStatus,
  DISRUPTION_ALLOWED,
  type DisruptionBudget,
  isDisruptionBudget,
  withDisruptionAllowed,
} from "../disruptionBudget.ts";
import { type DeleteOptions, deleteOptions, removeObject, unmet } from "./deleting.ts";
import { adopt, asArray, asObject, at, field, own, withFields } from "./json.ts";
import { selectorOf } from "./kinds/labelSelector.ts";
import { badRequest, failure, notFound } from "./status.ts";
import type { WriteContext } from "./writing.ts";

const EVICTED = own({
  kind: "Status",
  apiVersion: "v1",
  metadata: own({}),
  status: "Success",
  code: 201,
});

const ORIGIN = { verb: "evict", subresource: "eviction" } as const;

/** A delay that the server suggests while a budget's status is not up to date. */
const RETRY_SECONDS = 10;

/** Removes a Pod, if its disruption budget has something to spare. */
export const evictPod = (context: WriteContext): Result.Result<object, StatusBody> => {
  const { shelf, request } = context;
  const { kind, table } = shelf;
  const name = request.name ?? "";
  const body = adopt(request.body);
  if (at(body, "metadata", "name") !== name)
    return Result.fail(badRequest("name in URL does not match name in Eviction object"));
  const found = table.get({ namespace: request.namespace, name });
  if (found === undefined) return Result.fail(notFound(Pods, name));
  const options = deleteOptions(field(body, "deleteOptions"), request.query?.dryRun === true);
  const pod = kind.complete(found);
  const refused =
    context.admit(pod) ??
    (isUnprotected(pod) ? undefined : spend(context, pod, options)) ??
    // A real server looks at the preconditions last: the budget is spent by then.
    unmet(kind, found, options);
  if (refused !== undefined) return Result.fail(refused);
  removeObject(context, options.dryRun ? found : disrupted(context, found), options);
  return Result.succeed(EVICTED);
};

/** Nothing is lost by the end of a Pod that has ended, has not begun or is about to go: no budget is asked. */
const isUnprotected = (pod: KubeObject): boolean =>
  pod.metadata.deletionTimestamp !== undefined ||
  ["Pending", "Succeeded", "Failed"].includes(String(at(pod, "status", "phase")));

const isReady = (pod: KubeObject): boolean =>
  (asArray(at(pod, "status", "conditions")) ?? []).some(
    (one) => field(one, "type") === "Ready" && field(one, "status") === "True",
  );

/** Takes the disruption from the Pod's budget; says why, when it must not. */
const spend = (
  context: WriteContext,
  pod: KubeObject,
  { dryRun }: DeleteOptions,
): StatusBody | undefined => {
  const budgets = budgetsOf(context, pod);
  const [budget] = budgets;
  if (budget === undefined) return undefined;
  if (budgets.length > 1) {
    const why =
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    return failure(500, "", why);
  }
  if (!isReady(pod) && isExpendable(budget)) return undefined;
  const refused = refusal(budget);
  if (refused === undefined && !dryRun) record(context, budget, pod);
  return refused;
};

const budgetsOf = ({ store }: WriteContext, pod: KubeObject): ReadonlyArray<DisruptionBudget> => {
  const shelf = store.shelf(PodDisruptionBudgets);
  if (shelf === undefined || shelf.table.size === 0) return [];
  return [...shelf.table.values()].filter(isDisruptionBudget).filter(({ metadata, spec }) => {
    const selector = selectorOf(spec.selector);
    return (
      metadata.namespace === pod.metadata.namespace &&
      selector !== undefined &&
      selectsLabels(selector, pod.metadata.labels)
    );
  });
};

/** Whether a Pod that is not ready may go: nothing counts on it (`unhealthyPodEvictionPolicy`). */
const isExpendable = ({ spec, status }: DisruptionBudget): boolean =>
  spec.unhealthyPodEvictionPolicy === "AlwaysAllow" ||
  (status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0);

/** 429: the budget does not allow it now. */
const violates = (cause: string, retryAfterSeconds?: number): StatusBody =>
  failure(
    429,
    "TooManyRequests",
    "Cannot evict pod as it would violate the pod's disruption budget.",
    {
      causes: [{ reason: "DisruptionBudget", message: cause }],
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
  );

const refusal = ({ metadata, status }: DisruptionBudget): StatusBody | undefined => {
  const budget = `The disruption budget ${metadata.name}`;
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0))
    return violates(`${budget} is still being processed by the server.`, RETRY_SECONDS);
  if (status.disruptionsAllowed > 0) return undefined;
  const blocked = status.conditions?.find(
    ({ type, status: is, message }) =>
      type === DISRUPTION_ALLOWED && is === "False" && message !== "",
  );
  const blocks = `${budget} does not allow evicting pods currently`;
  if (blocked?.reason === "SyncFailed")
    return violates(`${blocks} because it failed sync: ${blocked.message}`);
  if (status.currentHealthy <= status.desiredHealthy)
    return violates(
      `${budget} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`,
    );
  return violates(
    blocked === undefined ? blocks : `${blocks} (${blocked.reason}): ${blocked.message}`,
  );
};

/** Writes into the budget that one disruption less is allowed, and of which Pod. */
const record = (context: WriteContext, budget: DisruptionBudget, pod: KubeObject): void => {
  const { store, actor, sentAt } = context;
  const shelf = store.shelf(PodDisruptionBudgets);
  if (shelf === undefined) return;
  const disruptionsAllowed = budget.status.disruptionsAllowed - 1;
  const less: BudgetStatus = { ...budget.status, disruptionsAllowed };
  const status = disruptionsAllowed === 0 ? withDisruptionAllowed(less, store.now) : less;
  const disruptedPods = { ...status.disruptedPods, [pod.metadata.name]: kubeTime(store.now) };
  const after = withFields(budget, { status: adopt({ ...status, disruptedPods }) });
  const origin = { actor, sentAt, verb: "update", subresource: "status" } as const;
  store.commit(shelf, { ...origin, before: budget, after }, after);
};

/** The Pod with the condition that says that an eviction ends it: a Job's failure policy looks for that. */
const disrupted = ({ store, shelf, actor, sentAt }: WriteContext, pod: KubeObject): KubeObject => {
  const status = asObject(pod["status"]);
  const conditions = asArray(field(status, "conditions")) ?? [];
  const before = conditions.find((one) => field(one, "type") === "DisruptionTarget");
  const reason = "EvictionByEvictionAPI";
  if (field(before, "status") === "True" && field(before, "reason") === reason) return pod;
  const others = conditions.filter((one) => one !== before);
  const condition = own({
    type: "DisruptionTarget",
    status: "True",
    reason,
    message: "Eviction API: evicting",
    lastTransitionTime: kubeTime(store.now),
  });
  const after = withFields(pod, {
    status: own({ ...status, conditions: own([...others, condition]) }),
  });
  return store.commit(shelf, { ...ORIGIN, actor, sentAt, before: pod, after }, after);
};
