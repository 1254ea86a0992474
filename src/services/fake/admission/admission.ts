/**
 * The admission of the API server: the plugins of kube-apiserver that are on by default and matter here, in its order, and
 * where policies of a test or a scenario (`Admission`) come in.
 */
import type { KubeObject } from "../../../domain/kube/object.ts";
import type { StatusBody } from "../../ApiServer.ts";
import type { WriteContext } from "../writing.ts";
import { podSecurity } from "./podSecurity.ts";
import { resourceQuota } from "./resourceQuota.ts";
import { serviceAccount } from "./serviceAccount.ts";

/** Looks at an object that was found valid; a Status refuses it. */
type Plugin = (context: WriteContext, object: KubeObject) => StatusBody | undefined;

/** ResourceQuota is last, as in kube-apiserver: what another plugin refuses uses nothing up. */
const PLUGINS: ReadonlyArray<Plugin> = [
  serviceAccount,
  podSecurity,
  ({ admit }, object) => admit(object),
  resourceQuota,
];

/** Why an object must not be created; undefined when it may. */
export const refusedCreation: Plugin = (context, object) => {
  for (const plugin of PLUGINS) {
    const refused = plugin(context, object);
    if (refused !== undefined) return refused;
  }
  return undefined;
};
