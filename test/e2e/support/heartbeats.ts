/** Heartbeats of kubelets, as the node lifecycle controller looks for them: each renews the Lease of its Node while it runs. */
import { Effect } from "effect";
import { Leases } from "../../../src/domain/kube/resource.ts";
import { KubeTransport } from "../../../src/services/KubeTransport.ts";
import type { SimulatedHost } from "../../../src/services/world/host.ts";
import { adminAs, type Api } from "./api.ts";

const NAMESPACE = "kube-node-lease";
const INTERVAL = "1 second";
/** A kubelet that was alive so long ago is not. */
const DEAD_MILLIS = 100;

/** Never ends. A server that does not answer misses a heartbeat. */
export const heartbeats = (
  api: Api,
  hosts: ReadonlyMap<string, SimulatedHost>,
): Effect.Effect<never> =>
  Effect.forEach([...hosts.values()], (host) => Effect.ignore(beat(host)), {
    concurrency: "unbounded",
    discard: true,
  }).pipe(
    Effect.andThen(Effect.sleep(INTERVAL)),
    Effect.forever,
    Effect.provide(adminAs(api, "heartbeats")),
  );

const beat = Effect.fnUntraced(function* (host: SimulatedHost) {
  if (host.power === "off" || host.machine.now() - host.kubeletAliveAt > DEAD_MILLIS) return;
  const { request } = yield* KubeTransport;
  const { name } = host;
  const renewTime = new Date(host.machine.now()).toISOString().replace("Z", "000Z");
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime };
  const at = { resource: Leases, namespace: NAMESPACE };
  yield* request({ verb: "patch", ...at, name, body: { spec } }).pipe(
    Effect.catchTag("NotFound", () =>
      request({ verb: "create", ...at, body: { metadata: { name }, spec } }),
    ),
  );
});
