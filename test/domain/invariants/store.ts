/** The bottom of the test language for histories: a store that tells every change to the monitors as a commit. */
import type { CommitVerb } from "../../../src/domain/history.ts";
import type { MonitorOptions } from "../../../src/domain/invariants/law.ts";
import { makeMonitors, type Monitors } from "../../../src/domain/invariants/makeMonitors.ts";
import { kubeTime, type KubeObject } from "../../../src/domain/kube/object.ts";
import { apiVersionOf, type Resource } from "../../../src/domain/kube/resource.ts";

export type Meta = KubeObject["metadata"];
export type Json = Readonly<Record<string, unknown>>;

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null;
/** An object's field that is an object itself. */
export const json = (value: unknown): Json => (isJson(value) ? value : {});

/** Names one stored object. */
export interface Ref {
  readonly resource: Resource;
  readonly name: string;
  readonly uid: string;
}

/** How a write differs from a patch that the operator sends now. */
export interface Write {
  readonly actor?: string;
  readonly sentAt?: number;
  readonly verb?: CommitVerb;
  readonly subresource?: string;
}

/** One history: a store whose every change is a commit, on a clock that only the test moves. */
export class Store {
  at = 1_000_000;
  rv = 0;
  readonly monitors: Monitors;
  readonly #store = new Map<string, KubeObject>();
  #uids = 0;

  constructor(options: MonitorOptions = {}, monitors: Monitors = makeMonitors(options)) {
    this.monitors = monitors;
  }

  /** Laws that were broken, each once, in order of discovery. */
  broken(): ReadonlyArray<string> {
    return [...new Set(this.monitors.violations.map(({ law }) => law))];
  }

  messages(law: string): ReadonlyArray<string> {
    return this.monitors.violations.filter((one) => one.law === law).map((one) => one.message);
  }

  wait(millis: number): this {
    this.at += millis;
    return this;
  }

  finish(): this {
    this.monitors.finish(this.at);
    return this;
  }

  operator(up: boolean): void {
    this.monitors.operator(up, this.at);
  }

  get(ref: Ref): KubeObject {
    const object = this.#store.get(ref.uid);
    if (object === undefined) throw new Error(`${ref.resource.kind} ${ref.name} is not stored`);
    return object;
  }

  create(
    resource: Resource,
    name: string,
    meta: Partial<Meta>,
    body: Json,
    write: Write = {},
  ): Ref {
    const uid = meta.uid ?? `uid-${++this.#uids}`;
    const object: KubeObject = {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      ...body,
      metadata: {
        ...meta,
        name,
        ...(resource.namespaced ? { namespace: "default" } : {}),
        uid,
        resourceVersion: String(this.rv + 1),
        generation: 1,
        creationTimestamp: kubeTime(this.at),
      },
    };
    const ref = { resource, name, uid };
    this.#commit(ref, undefined, object, { verb: "create", ...write });
    return ref;
  }

  /** Replaces top-level fields; `meta` replaces fields of metadata. */
  update(ref: Ref, change: Json, meta: Partial<Meta> = {}, write: Write = {}): void {
    const before = this.get(ref);
    const generation = (before.metadata.generation ?? 1) + ("spec" in change ? 1 : 0);
    const metadata = {
      ...before.metadata,
      generation,
      ...meta,
      resourceVersion: String(this.rv + 1),
    };
    this.#commit(ref, before, { ...before, ...change, metadata }, { verb: "patch", ...write });
  }

  annotate(
    ref: Ref,
    change: Readonly<Record<string, string | null>>,
    write: Write = {},
    spec?: Json,
  ): void {
    const kept = Object.entries({ ...this.get(ref).metadata.annotations, ...change });
    const annotations: Record<string, string> = {};
    for (const [key, value] of kept) if (value !== null) annotations[key] = value;
    this.update(ref, spec === undefined ? {} : { spec }, { annotations }, write);
  }

  /** Marks for deletion, as a graceful delete or one with finalizers does. */
  mark(ref: Ref, write: Write = {}): void {
    this.update(ref, {}, { deletionTimestamp: kubeTime(this.at) }, { verb: "delete", ...write });
  }

  remove(ref: Ref, write: Write = {}): void {
    this.#commit(ref, this.get(ref), undefined, { verb: "delete", ...write });
  }

  #commit(
    ref: Ref,
    before: KubeObject | undefined,
    after: KubeObject | undefined,
    write: Write,
  ): void {
    if (after === undefined) this.#store.delete(ref.uid);
    else this.#store.set(ref.uid, after);
    this.monitors.commit({
      rv: ++this.rv,
      at: this.at,
      actor: write.actor ?? "operator",
      sentAt: write.sentAt ?? this.at,
      verb: write.verb ?? "patch",
      subresource: write.subresource,
      resource: ref.resource,
      ...(ref.resource.namespaced ? { namespace: "default" } : {}),
      name: ref.name,
      before,
      after,
    });
  }
}
