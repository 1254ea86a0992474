/**
 * Admission plugin ResourceQuota: what is created must fit into every quota of its namespace, and is charged to them at once
 * (apiserver plugin/resourcequota). What goes is taken off by a controller, which also says what is used at first.
 */
import type { KubeObject } from "../../../domain/kube/object.ts";
import type { StatusBody } from "../../ApiServer.ts";
import { addQuantities } from "../../quantity.ts";
import {
  type Amounts,
  amountsOf,
  hasScopes,
  isResourceQuota,
  limitsOn,
  NONE,
  type ResourceQuota,
  ResourceQuotas,
  unspecified,
  usageOf,
  writtenAmounts,
} from "../../quota.ts";
import { adopt, withFields } from "../json.ts";
import { isOf } from "../kinds/Kind.ts";
import { Events, CoreEvents, type Resource } from "../../../domain/kube/resource.ts";
import { forbidden } from "../status.ts";
import type { WriteContext } from "../writing.ts";

/** Who charges quotas: not the client, whose rights play no part in it. */
const ACTOR = "api-server";

/** A quota and what it would say was used, once the object is there. */
interface Charge {
  readonly quota: ResourceQuota;
  readonly used: Amounts;
}

const isIgnored = ({ shelf }: WriteContext): boolean =>
  isOf(shelf.kind, CoreEvents) || isOf(shelf.kind, Events);

/** Why the object does not fit; else charges it, unless it is a dry run. */
export const resourceQuota = (
  context: WriteContext,
  object: KubeObject,
): StatusBody | undefined => {
  const { shelf, store, request } = context;
  const quotas = store.shelf(ResourceQuotas);
  if (quotas === undefined || quotas.table.size === 0 || isIgnored(context)) return undefined;
  const { resource } = shelf.kind;
  const { name, namespace } = object.metadata;
  const charges: Array<Charge> = [];
  for (const quota of quotas.table.values()) {
    if (quota.metadata.namespace !== namespace || !isResourceQuota(quota)) continue;
    const charge = chargeTo(quota, resource, object, store.now);
    if (typeof charge === "string") return forbidden(resource, name, charge);
    if (charge !== undefined) charges.push(charge);
  }
  if (request.query?.dryRun === true) return undefined;
  for (const { quota, used } of charges) {
    const status = { ...quota.status, used: writtenAmounts(used) };
    const after = withFields(quota, { status: adopt(status) });
    const origin = { actor: ACTOR, sentAt: context.sentAt, verb: "update" } as const;
    store.commit(quotas, { ...origin, subresource: "status", before: quota, after }, after);
  }
  return undefined;
};

const printed = (amounts: Amounts, names: ReadonlyArray<string>): string =>
  Object.entries(writtenAmounts(new Map([...amounts].filter(([name]) => names.includes(name)))))
    .map(([name, amount]) => `${name}=${amount}`)
    .join(",");

/**
 * What the quota would come to, or why not. A quota counts from when a controller has seen it: before, its status says
 * nothing, and nothing is refused.
 */
const chargeTo = (
  quota: ResourceQuota,
  resource: Resource,
  object: KubeObject,
  now: number,
): Charge | string | undefined => {
  const hard = amountsOf(quota.status?.hard);
  const limited = limitsOn(resource, hard.keys());
  if (limited.length === 0 || hasScopes(quota)) return undefined;
  const { name } = quota.metadata;
  const missing = unspecified(object, limited);
  if (missing.length > 0) {
    const each = missing.map(([what, containers]) => `${what} for: ${containers.join(",")}`);
    return `failed quota: ${name}: must specify ${each.join("; ")}`;
  }
  const used = amountsOf(quota.status?.used);
  if (limited.some((what) => !used.has(what)))
    return `status unknown for quota: ${name}, resources: ${limited.toSorted().join(",")}`;
  const requested = new Map(
    [...usageOf(resource, object, now)].filter(
      ([what, { milli }]) => limited.includes(what) && milli > 0n,
    ),
  );
  const next = new Map(used);
  for (const [what, amount] of requested)
    next.set(what, addQuantities(used.get(what) ?? NONE, amount));
  const exceeded = [...requested.keys()].filter(
    (what) => (next.get(what) ?? NONE).milli > (hard.get(what) ?? NONE).milli,
  );
  if (exceeded.length > 0)
    return `exceeded quota: ${name}, requested: ${printed(requested, exceeded)}, used: ${printed(used, exceeded)}, limited: ${printed(hard, exceeded)}`;
  return requested.size === 0 ? undefined : { quota, used: next };
};
