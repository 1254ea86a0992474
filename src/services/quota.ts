/**
 * What objects use of a ResourceQuota (k8s.io/kubernetes pkg/quota/v1/evaluator): shared by the API server's admission and
 * the controller that counts anew, as in Kubernetes.
 */
import { type KubeObject, millisOf } from "../domain/kube/object.ts";
import { Pods, type Resource, resourceName } from "../domain/kube/resource.ts";
import {
  addQuantities,
  formatQuantity,
  maxQuantity,
  parseQuantity,
  type Quantity,
} from "./quantity.ts";

export const ResourceQuotas: Resource = {
  group: "",
  version: "v1",
  plural: "resourcequotas",
  kind: "ResourceQuota",
  namespaced: true,
};

/** Amounts by the name of what is limited: `pods`, `count/jobs.batch`, `requests.cpu`. */
export type Amounts = ReadonlyMap<string, Quantity>;

/** A ResourceQuota, as far as it is read here. */
export interface ResourceQuota extends KubeObject {
  readonly spec?: {
    readonly hard?: Readonly<Record<string, unknown>>;
    readonly scopes?: ReadonlyArray<unknown>;
    readonly scopeSelector?: unknown;
  };
  readonly status?: {
    readonly hard?: Readonly<Record<string, unknown>>;
    readonly used?: Readonly<Record<string, unknown>>;
  };
}

export const isResourceQuota = (object: KubeObject): object is ResourceQuota =>
  typeof object["spec"] === "object";

/** Quotas with scopes are about some Pods only; which is not judged here. */
export const hasScopes = ({ spec }: ResourceQuota): boolean =>
  (spec?.scopes ?? []).length > 0 || spec?.scopeSelector !== undefined;

/** Amounts as an object lists them; what is no quantity is none. */
export const amountsOf = (list: Readonly<Record<string, unknown>> | undefined): Amounts =>
  new Map(
    Object.entries(list ?? {}).flatMap(([name, value]) => {
      const quantity = parseQuantity(value);
      return quantity === undefined ? [] : [[name, quantity] as const];
    }),
  );

/** Amounts as the API server writes them, sorted by name. */
export const writtenAmounts = (amounts: Amounts): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...amounts]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, quantity]) => [name, formatQuantity(quantity)]),
  );

const ONE: Quantity = { milli: 1000n, format: "decimal" };
export const NONE: Quantity = { milli: 0n, format: "decimal" };

/** Kinds that a quota may also count by their plain name. */
const PLAIN: ReadonlySet<string> = new Set([
  "configmaps",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "services",
]);

const isPods = ({ group, plural }: Resource): boolean =>
  group === Pods.group && plural === Pods.plural;

const POD_RESOURCES = ["cpu", "memory", "ephemeral-storage"] as const;
const POD_NAMES: ReadonlySet<string> = new Set([
  "pods",
  ...POD_RESOURCES.flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
]);

/** Which of these names limit objects of the resource. */
export const limitsOn = (resource: Resource, names: Iterable<string>): ReadonlyArray<string> =>
  [...names].filter(
    (name) =>
      name === `count/${resourceName(resource)}` ||
      (isPods(resource)
        ? POD_NAMES.has(name)
        : resource.group === "" && name === resource.plural && PLAIN.has(name)),
  );

/** What one object uses, at `now` (milliseconds since the epoch). */
export const usageOf = (resource: Resource, object: KubeObject, now: number): Amounts => {
  const usage = new Map([[`count/${resourceName(resource)}`, ONE]]);
  if (!isPods(resource))
    return PLAIN.has(resource.plural) ? usage.set(resource.plural, ONE) : usage;
  if (isOver(object, now)) return usage;
  return new Map([...usage, ["pods", ONE], ...namedAmounts(podAmounts(object))]);
};

interface PodView extends KubeObject {
  readonly spec?: {
    readonly containers?: ReadonlyArray<ContainerView>;
    readonly initContainers?: ReadonlyArray<ContainerView>;
  };
  readonly status?: { readonly phase?: string };
}

interface ContainerView {
  readonly name?: string;
  readonly resources?: {
    readonly requests?: Readonly<Record<string, unknown>>;
    readonly limits?: Readonly<Record<string, unknown>>;
  };
}

const asPod = (object: KubeObject): PodView => object;

/** A Pod that has ended, or should be gone for as long as its grace was, uses nothing any more but its place in the store. */
const isOver = (object: KubeObject, now: number): boolean => {
  const { deletionTimestamp, deletionGracePeriodSeconds } = object.metadata;
  const { status } = asPod(object);
  return (
    status?.phase === "Succeeded" ||
    status?.phase === "Failed" ||
    (deletionTimestamp !== undefined &&
      deletionGracePeriodSeconds !== undefined &&
      now > millisOf(deletionTimestamp) + deletionGracePeriodSeconds * 1000)
  );
};

type Listed = "requests" | "limits";

/** A container without a request asks for its limit. */
const containerAmounts = ({ resources }: ContainerView, listed: Listed): Amounts =>
  listed === "requests"
    ? amountsOf({ ...resources?.limits, ...resources?.requests })
    : amountsOf(resources?.limits);

const combined = (
  lists: ReadonlyArray<Amounts>,
  combine: (one: Quantity, other: Quantity) => Quantity,
): Amounts => {
  const total = new Map<string, Quantity>();
  for (const [name, quantity] of lists.flatMap((amounts) => [...amounts])) {
    const before = total.get(name);
    total.set(name, before === undefined ? quantity : combine(before, quantity));
  }
  return total;
};

/** Init containers run one after the other before the others do: the larger of both counts. */
const podAmounts = (object: KubeObject): Readonly<Record<Listed, Amounts>> => {
  const { containers = [], initContainers = [] } = asPod(object).spec ?? {};
  const of = (listed: Listed) => {
    const amounts = (list: ReadonlyArray<ContainerView>) =>
      list.map((container) => containerAmounts(container, listed));
    const together = combined(amounts(containers), addQuantities);
    return combined([together, ...amounts(initContainers)], maxQuantity);
  };
  return { requests: of("requests"), limits: of("limits") };
};

/** Under all the names by which a quota may limit them. */
const namedAmounts = ({
  requests,
  limits,
}: Readonly<Record<Listed, Amounts>>): ReadonlyArray<readonly [string, Quantity]> =>
  POD_RESOURCES.flatMap((name) => {
    const request = requests.get(name);
    const limit = limits.get(name);
    return [
      ...(request === undefined
        ? []
        : [[name, request] as const, [`requests.${name}`, request] as const]),
      ...(limit === undefined ? [] : [[`limits.${name}`, limit] as const]),
    ];
  });

/** Names that a Pod must say something about when a quota limits them, each container of it. */
const MUST_SPECIFY: ReadonlySet<string> = new Set(
  (["cpu", "memory"] as const).flatMap((name) => [name, `requests.${name}`, `limits.${name}`]),
);

/** What its containers do not say although these names are limited: names of containers by the name of the amount, both sorted. */
export const unspecified = (
  object: KubeObject,
  limited: ReadonlyArray<string>,
): ReadonlyArray<readonly [name: string, containers: ReadonlyArray<string>]> => {
  const { containers = [], initContainers = [] } = asPod(object).spec ?? {};
  return limited
    .filter((name) => MUST_SPECIFY.has(name))
    .toSorted()
    .map((name) => {
      const without = [...containers, ...initContainers]
        .filter((container) => {
          const requests = containerAmounts(container, "requests");
          const limits = containerAmounts(container, "limits");
          return !namedAmounts({ requests, limits }).some(([said]) => said === name);
        })
        .map((container) => container.name ?? "");
      return [name, [...new Set(without)].toSorted()] as const;
    })
    .filter(([, without]) => without.length > 0);
};
