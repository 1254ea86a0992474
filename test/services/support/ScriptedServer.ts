/**
 * An API server of one resource whose connections the test controls: what happens is true at once, but a watch hears of
 * it only when the test delivers, and lists may be slow, fail, or show an older state.
 */
import { Cause, Effect, Layer, Queue, Stream } from "effect";
import { kubeApiLayer } from "../../../src/services/kubeApiLayer.ts";
import type { KubeApi } from "../../../src/services/KubeApi.ts";
import { Expired, type KubeError } from "../../../src/services/KubeError.ts";
import { KubeTransport, type WatchFrame } from "../../../src/services/KubeTransport.ts";
import { thingJson } from "./things.ts";

type ThingJson = ReturnType<typeof thingJson>;
interface LogEntry {
  readonly version: number;
  readonly frame: WatchFrame & { readonly object: ThingJson };
}
interface OpenWatch {
  readonly queue: Queue.Queue<WatchFrame, KubeError | Cause.Done>;
  /** Everything up to this version has been delivered. */
  delivered: number;
}

const tooOld = new Expired({ request: "watch Thing", detail: "too old resource version" });

export class ScriptedServer {
  /** What is true now, by name. */
  readonly objects = new Map<string, ThingJson>();
  /** Requests so far. */
  lists = 0;
  watches = 0;
  /** The version of every watch that was asked for. */
  readonly watchedFrom: Array<string> = [];
  /** What the next lists do instead of answering; consumed one by one. */
  readonly listFaults: Array<KubeError> = [];
  /** How much older than now the snapshots of the next lists are; consumed one by one. */
  readonly listLags: Array<number> = [];
  /** How long a list takes after its snapshot was taken, in milliseconds. */
  listMillis = 0;
  /** Called for every new watch; an answer ends it at once. */
  onWatch: () => KubeError | "end" | undefined = () => undefined;
  version = 10;
  #uids = 0;
  #oldest = 0;
  #log: Array<LogEntry> = [];
  readonly #open = new Set<OpenWatch>();

  get openWatches(): number {
    return this.#open.size;
  }

  /** Creates or changes an object. A size that is not a number makes it undecodable. */
  put(name: string, size: unknown): ThingJson {
    const known = this.objects.get(name);
    const uid = known?.metadata.uid ?? `u${++this.#uids}`;
    const object = thingJson(name, uid, ++this.version, size);
    this.objects.set(name, object);
    this.#commit({ type: known === undefined ? "ADDED" : "MODIFIED", object });
    return object;
  }

  /** Deletes an object; its last state carries the version of the deletion. */
  remove(name: string): void {
    const known = this.objects.get(name);
    if (known === undefined) return;
    this.objects.delete(name);
    const { uid } = known.metadata;
    const object = thingJson(name, uid, ++this.version, known.spec.size);
    this.#commit({ type: "DELETED", object });
  }

  /** Something else in the cluster changes. */
  elsewhere(): void {
    this.version++;
  }

  /** Sends every open watch up to `count` of the frames that it lacks; `bookmark` adds one when it lacks none. */
  deliver(count: number, options: { readonly bookmark: boolean } = { bookmark: false }): void {
    for (const watch of this.#open) {
      const missing = this.#log.filter(({ version }) => version > watch.delivered).slice(0, count);
      for (const { version, frame } of missing) {
        watch.delivered = version;
        Queue.offerUnsafe(watch.queue, frame);
      }
      const upToDate = !this.#log.some(({ version }) => version > watch.delivered);
      if (options.bookmark && upToDate) {
        watch.delivered = this.version;
        const metadata = { resourceVersion: String(this.version) };
        Queue.offerUnsafe(watch.queue, { type: "BOOKMARK", object: { kind: "Thing", metadata } });
      }
    }
  }

  /** Sends frames as they are, whatever the truth. */
  send(...frames: ReadonlyArray<WatchFrame>): void {
    for (const { queue } of this.#open) for (const frame of frames) Queue.offerUnsafe(queue, frame);
  }

  /** Ends every open watch: cleanly, or with an error. */
  disconnect(error?: KubeError): void {
    for (const { queue } of this.#open) {
      if (error === undefined) Queue.endUnsafe(queue);
      else Queue.failCauseUnsafe(queue, Cause.fail(error));
    }
    this.#open.clear();
  }

  /** Tells every open watch that its version is too old, though a list may still be answered from before. */
  expire(): void {
    this.disconnect(tooOld);
  }

  /** An administrator restores a backup: an earlier version, without objects. */
  restore(version: number): void {
    this.objects.clear();
    this.version = version;
    this.#oldest = version;
    this.#log = [];
    this.#history.length = 0;
    this.disconnect(tooOld);
  }

  /** Forgets the history up to now: watches from older versions are refused from here on. */
  compact(): void {
    this.#oldest = this.version;
    this.#log = [];
    this.disconnect(tooOld);
  }

  readonly layer: Layer.Layer<KubeApi> = Layer.suspend(() =>
    Layer.provide(
      kubeApiLayer,
      Layer.succeed(KubeTransport, {
        request: () => this.#list,
        watch: (request) =>
          Stream.unwrap(Effect.sync(() => this.#watch(request.resourceVersion ?? ""))),
      }),
    ),
  );

  readonly #list: Effect.Effect<unknown, KubeError> = Effect.suspend(() => {
    this.lists++;
    const fault = this.listFaults.shift();
    if (fault !== undefined) return Effect.fail(fault);
    const lag = this.listLags.shift() ?? 0;
    const list = lag === 0 ? this.#snapshot() : this.#snapshotAt(Math.max(10, this.version - lag));
    return Effect.as(Effect.sleep(this.listMillis), list);
  });

  #snapshot() {
    const metadata = { resourceVersion: String(this.version) };
    return { kind: "ThingList", metadata, items: [...this.objects.values()] };
  }

  /** The state at an earlier version, as far as the log still tells it. */
  #snapshotAt(version: number) {
    if (version <= this.#oldest) return this.#snapshot();
    const items = new Map<string, unknown>();
    for (const entry of this.#history) {
      if (entry.version > version) break;
      const { metadata } = entry.frame.object;
      if (entry.frame.type === "DELETED") items.delete(metadata.name);
      else items.set(metadata.name, entry.frame.object);
    }
    const metadata = { resourceVersion: String(version) };
    return { kind: "ThingList", metadata, items: [...items.values()] };
  }

  /** All that ever happened, compaction or not. */
  readonly #history: Array<LogEntry> = [];

  #commit(frame: LogEntry["frame"]): void {
    const entry = { version: this.version, frame };
    this.#log.push(entry);
    this.#history.push(entry);
  }

  #watch(from: string): Stream.Stream<WatchFrame, KubeError> {
    this.watches++;
    this.watchedFrom.push(from);
    const end = this.onWatch();
    if (end === "end") return Stream.empty;
    if (end !== undefined) return Stream.fail(end);
    if (Number(from) < this.#oldest) return Stream.fail(tooOld);
    return Stream.unwrap(
      Effect.gen({ self: this }, function* () {
        const queue = yield* Queue.unbounded<WatchFrame, KubeError | Cause.Done>();
        const watch: OpenWatch = { queue, delivered: Number(from) };
        this.#open.add(watch);
        return Stream.ensuring(
          Stream.fromQueue(queue),
          Effect.sync(() => this.#open.delete(watch)),
        );
      }),
    );
  }
}
