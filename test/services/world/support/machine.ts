/** A simulated machine without a cluster: its processes exist, but nothing answers them. */
import { Effect, Layer } from "effect";
import type { HostEvent } from "../../../../src/domain/history.ts";
import { KubeTransport } from "../../../../src/services/KubeTransport.ts";
import { World } from "../../../../src/services/simulation/World.ts";
import type { NodeBehaviour } from "../../../../src/services/world/behaviour.ts";
import { launchContainer } from "../../../../src/services/world/containers.ts";
import { SimulatedHost } from "../../../../src/services/world/host.ts";
import { worldMachine } from "../../../../src/services/world/worldMachine.ts";

export const OLD_IMAGE =
  "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.1-k3sv1.30.11-k3s1";
export const NEW_IMAGE =
  "quay.io/kairos/opensuse:leap-15.6-standard-amd64-generic-v3.4.2-k3sv1.30.11-k3s1";
export const OLD_VERSION = "v3.4.1-k3sv1.30.11-k3s1";
export const NEW_VERSION = "v3.4.2-k3sv1.30.11-k3s1";

/** A well-behaved node whose delays are known exactly. */
export const PUNCTUAL: NodeBehaviour = {
  pullSeconds: [5, 5],
  scriptSeconds: [60, 60],
  rebootSeconds: [90, 90],
  shutdownSeconds: [2, 2],
};

const noServer = Layer.succeed(KubeTransport, {
  request: () => Effect.never,
  watch: () => {
    throw new Error("nothing is to be watched here");
  },
});

export interface Lonely {
  readonly world: World;
  readonly host: SimulatedHost;
  readonly events: Array<HostEvent>;
  /** Lets so many seconds pass. */
  readonly pass: (seconds: number) => void;
  /** What happened, without ids: `event` and what matters of it. */
  readonly story: () => ReadonlyArray<string>;
}

/** A machine that is on, with a kubelet that does nothing. */
export const lonelyMachine = (behaviour: Partial<NodeBehaviour> = {}, seed = 1): Lonely => {
  const world = new World({ seed });
  const machine = worldMachine({ world, name: "host/worker-1", transport: () => noServer });
  const events: Array<HostEvent> = [];
  const host = new SimulatedHost({
    name: "worker-1",
    machine,
    behaviour: { ...PUNCTUAL, ...behaviour },
    image: OLD_IMAGE,
    startKubelet: () => machine.spawn("kubelet/worker-1", () => Effect.never),
    launch: (self, pod, container) => launchContainer(() => Effect.never, self, pod, container),
    tell: (event) => events.push(event),
  });
  host.powerOn();
  const clock = world.process("clock");
  const pass = (seconds: number) => {
    // Time passes also when nothing happens.
    const cancel = clock.after(seconds * 1000, () => {});
    world.run({ done: () => false, until: world.now + seconds * 1000 });
    cancel();
  };
  const story = () =>
    events.map((event) => {
      const detail = event.event === "booted" ? ` ${event.bootState} ${event.version}` : "";
      return `${event.at / 1000} ${event.event}${detail}${event.event === "wentDown" ? ` ${event.cause}` : ""}`;
    });
  return { world, host, events, pass, story };
};
