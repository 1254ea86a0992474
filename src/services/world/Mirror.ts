/**
 * A list+watch cache of raw objects for the controllers and kubelets of the simulated world. It shares no code with the
 * operator's Informer on purpose: the world must not have the bugs of what is tested in it.
 */
import { Effect, Stream } from "effect";
import { type KubeObject, objectKey } from "../../domain/kube/object.ts";
import type { Resource } from "../../domain/kube/resource.ts";
import { backoffMillis } from "../backoff.ts";
import type { KubeError } from "../KubeError.ts";
import { KubeTransport, type WatchFrame } from "../KubeTransport.ts";
import { kubeList, kubeObject, versionOf } from "./json.ts";
import { isTransient, whileTransient } from "./requests.ts";

/** One effective change of the cache: `before` is absent for a new object, `after` for one that left. */
export interface MirrorChange<A extends KubeObject = KubeObject> {
  readonly before: A | undefined;
  readonly after: A | undefined;
}

export interface MirrorOptions<A extends KubeObject> {
  readonly resource: Resource;
  /** Tells the objects of the resource from anything else; another in its place is a broken invariant of the server. */
  readonly is: (object: KubeObject) => object is A;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Called synchronously for each effective change, in order. */
  readonly onChange: (change: MirrorChange<A>) => void;
  /** Called after each complete list has been applied. */
  readonly onListed?: () => void;
}

/** For a resource of which nothing but its being objects matters. */
export const isAny = (object: KubeObject): object is KubeObject => object.metadata.uid !== "";

const RECONNECT = { base: "200 millis", max: "10 seconds" } as const;

export class Mirror<A extends KubeObject = KubeObject> {
  readonly #options: MirrorOptions<A>;
  readonly #objects = new Map<string, A>();
  /** Everything up to this version has come in by list or watch. */
  #version = 0;
  #listed = false;

  constructor(options: MirrorOptions<A>) {
    this.#options = options;
  }

  get objects(): ReadonlyMap<string, A> {
    return this.#objects;
  }

  /** Whether a complete list has been applied at least once. */
  get listed(): boolean {
    return this.#listed;
  }

  /** Puts the answer of an own write or read in at once, so that nobody acts twice on an old view. */
  observe(object: KubeObject): void {
    if (versionOf(object) > this.#version) this.#put(object);
  }

  /** Keeps the cache up to date for ever. An error that repeating cannot cure is a broken invariant and dies. */
  get run(): Effect.Effect<never, never, KubeTransport> {
    return Effect.forever(Effect.andThen(this.#list(), this.#watch())).pipe(Effect.orDie);
  }

  #list() {
    const { resource, labelSelector, fieldSelector } = this.#options;
    const query = { labelSelector, fieldSelector };
    return Effect.gen({ self: this }, function* () {
      const transport = yield* KubeTransport;
      const answer = yield* whileTransient(transport.request({ verb: "list", resource, query }));
      const { items, version } = kubeList(answer, resource);
      this.#replace(items, version);
    });
  }

  /** Watches from the list's version, over as many connections as it takes, until that version is too old. */
  #watch() {
    const { resource, labelSelector, fieldSelector } = this.#options;
    return Effect.gen({ self: this }, function* () {
      const transport = yield* KubeTransport;
      for (let failures = 0; ;) {
        const from = this.#version;
        const end = yield* transport
          .watch({
            resource,
            labelSelector,
            fieldSelector,
            resourceVersion: String(from),
            allowWatchBookmarks: true,
          })
          .pipe(
            Stream.runForEachArray((frames) => Effect.sync(() => this.#frames(frames))),
            Effect.result,
          );
        if (end._tag === "Failure") {
          const error: KubeError = end.failure;
          if (error._tag === "Expired") return;
          if (!isTransient(error)) return yield* error;
        }
        // A watch that brought something was a good one; one that ends at once must not spin.
        failures = this.#version > from ? 0 : failures + 1;
        yield* Effect.sleep(yield* backoffMillis(RECONNECT, Math.max(0, failures - 1)));
      }
    });
  }

  #frames(frames: ReadonlyArray<WatchFrame>): void {
    for (const frame of frames) {
      if (frame.type === "DELETED") this.#drop(kubeObject(frame.object));
      else if (frame.type !== "BOOKMARK") this.#put(kubeObject(frame.object));
      this.#version = Math.max(this.#version, versionOf(frame.object));
    }
  }

  #replace(items: ReadonlyArray<KubeObject>, version: number): void {
    const present = new Set(items.map((item) => objectKey(item.metadata)));
    for (const [key, object] of this.#objects)
      if (!present.has(key) && versionOf(object) <= version) this.#remove(key, object);
    for (const item of items) this.#put(item);
    this.#version = Math.max(this.#version, version);
    this.#listed = true;
    this.#options.onListed?.();
  }

  #put(after: KubeObject): void {
    const { resource, is, onChange } = this.#options;
    if (!is(after))
      throw new Error(`the API server sent no ${resource.kind}: ${JSON.stringify(after)}`);
    const key = objectKey(after.metadata);
    const before = this.#objects.get(key);
    if (before !== undefined && versionOf(before) >= versionOf(after)) return;
    this.#objects.set(key, after);
    onChange({ before, after });
  }

  #drop(deleted: KubeObject): void {
    const key = objectKey(deleted.metadata);
    const before = this.#objects.get(key);
    if (before !== undefined && versionOf(before) <= versionOf(deleted)) this.#remove(key, before);
  }

  #remove(key: string, before: A): void {
    this.#objects.delete(key);
    this.#options.onChange({ before, after: undefined });
  }
}
