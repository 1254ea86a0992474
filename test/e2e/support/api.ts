/** Requests that nothing of ours makes over its transport: the kubelet's for tokens, and those of a person with `curl`. */
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { Effect, Layer } from "effect";
import type { KubeTransport } from "../../../src/services/KubeTransport.ts";
import { liveTransportLayer } from "../../../src/services/live/liveTransport.ts";
import type { ControlPlane } from "../../support/controlPlane/ControlPlane.ts";
import { writeKubeconfig } from "../../support/controlPlane/kubeconfig.ts";

export type Api = Pick<ControlPlane, "server" | "token" | "caFile" | "folder" | "kubeconfig">;

/** Posts JSON as the administrator; dies unless it is accepted. */
const post = (api: Api, path: string, body: object): Effect.Effect<unknown> =>
  Effect.callback((resume) => {
    const fail = (error: Error) => resume(Effect.die(error));
    const asked = request(
      `${api.server}${path}`,
      {
        method: "POST",
        ca: readFileSync(api.caFile),
        headers: { authorization: `Bearer ${api.token}`, "content-type": "application/json" },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (text += chunk));
        response.on("error", fail);
        response.on("end", () =>
          response.statusCode === 201
            ? resume(Effect.succeed(JSON.parse(text)))
            : fail(new Error(`POST ${path}: ${response.statusCode} ${text}`)),
        );
      },
    );
    asked.on("error", fail);
    asked.end(JSON.stringify(body));
    return Effect.sync(() => asked.destroy());
  });

export interface BoundAccount {
  readonly namespace: string;
  readonly account: string;
  /** The Pod that the token is bound to. */
  readonly pod: { readonly name: string; readonly uid: string };
}

/** What a kubelet mounts into a Pod: credentials of its ServiceAccount that end with the Pod. A kubeconfig here. */
export const podKubeconfig = Effect.fn("podKubeconfig")(function* (
  api: Api,
  { namespace, account, pod }: BoundAccount,
) {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const answer = (yield* post(api, path, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: {
      expirationSeconds: 3607,
      boundObjectRef: { apiVersion: "v1", kind: "Pod", name: pod.name, uid: pod.uid },
    },
  })) as { readonly status: { readonly token: string } };
  return writeKubeconfig(`${api.folder}/kubeconfig-pod-${pod.uid}`, {
    server: api.server,
    caFile: api.caFile,
    token: answer.status.token,
    user: `system:serviceaccount:${namespace}:${account}`,
    namespace,
  });
});

/** The administrator, under a name that the audit log shows as user agent. */
export const adminAs = (api: Pick<Api, "kubeconfig">, actor: string): Layer.Layer<KubeTransport> =>
  Layer.orDie(liveTransportLayer({ kubeconfig: api.kubeconfig, userAgent: actor }));
