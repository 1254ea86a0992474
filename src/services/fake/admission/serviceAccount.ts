/** Admission plugin ServiceAccount: a Pod runs under an account that exists. */
import type { KubeObject } from "../../../domain/kube/object.ts";
import { Pods, ServiceAccounts } from "../../../domain/kube/resource.ts";
import type { StatusBody } from "../../ApiServer.ts";
import { at } from "../json.ts";
import { isOf } from "../kinds/Kind.ts";
import { forbidden } from "../status.ts";
import type { WriteContext } from "../writing.ts";

/** Why the Pod has no account. `default`, which a controller makes in every namespace, is always there. */
export const serviceAccount = (
  { shelf, store }: WriteContext,
  object: KubeObject,
): StatusBody | undefined => {
  if (!isOf(shelf.kind, Pods)) return undefined;
  const account = at(object, "spec", "serviceAccountName");
  const { name, namespace } = object.metadata;
  if (typeof account !== "string" || account === "default") return undefined;
  const accounts = store.shelf(ServiceAccounts)?.table;
  if (accounts?.get({ namespace, name: account }) !== undefined) return undefined;
  const why = `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`;
  return forbidden(Pods, name, why);
};
