/** What one operator process knows of itself and shows to others: probes, metrics, Events. */
import { eventsOf, eventsOfUpgrade } from "../../domain/rollout/events.ts";
import type { EventRecorder } from "../../services/Events.ts";
import { measureReconcile } from "../../services/metrics.ts";
import type { CachesShape } from "../operator/Caches.ts";
import type { OperatorObserver, OperatorParts } from "../operator/operator.ts";
import type { Shown } from "./gauges.ts";

/** Synchronous and without effects of its own, so that callbacks of the caches can use it. */
export class Presence {
  /** What keeps the operator from working at all, as sentences. */
  problems: ReadonlyArray<string> = [];
  isLeading = false;
  #parts: OperatorParts | undefined;
  readonly #events: EventRecorder;

  constructor(events: EventRecorder) {
    this.#events = events;
  }

  /** To be given to the operator. Events are written by whoever acts: who stands by sees the same changes. */
  readonly observer: OperatorObserver = {
    started: (parts) => {
      this.#parts = parts;
    },
    reconcile: measureReconcile,
    operationChanged: (before, after) => {
      if (this.isLeading) this.#events.recordUnsafe(() => eventsOf(before, after));
    },
    upgradeChanged: (before, after) => {
      if (this.isLeading) this.#events.recordUnsafe(() => eventsOfUpgrade(before, after));
    },
  };

  get shown(): Shown {
    return {
      parts: this.#parts,
      isLeading: this.isLeading,
      eventsDropped: this.#events.dropped(),
    };
  }

  /** Why the process is not ready; nothing when it is. Who stands by is as ready as who leads. */
  obstacles(): ReadonlyArray<string> {
    if (this.problems.length > 0) return this.problems;
    if (this.#parts === undefined) return ["starting"];
    return notSynced(this.#parts.caches).map((name) => `the cache of ${name} is not filled yet`);
  }
}

const notSynced = ({
  operations,
  upgrades,
  nodes,
  jobs,
  pods,
}: CachesShape): ReadonlyArray<string> =>
  Object.entries({ nodeops: operations, nodeopupgrades: upgrades, nodes, jobs, pods }).flatMap(
    ([name, informer]) => (informer.isSynced() ? [] : [name]),
  );
