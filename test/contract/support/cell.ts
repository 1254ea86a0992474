/**
 * A cell of the contract with the API server: a script of requests, named `verb × semantic`, and what it observes. The
 * same scripts run on the fake and on a real server; what they observe is recorded (answers.ts) and must be equal.
 */
import { Effect, Option, Stream } from "effect";
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import type { Resource } from "../../../src/domain/kube/resource.ts";
import type { KubeError } from "../../../src/services/KubeError.ts";
import {
  type KubeQuery,
  type KubeRequest,
  KubeTransport,
  type PatchType,
  type WatchFrame,
  type WatchRequest,
} from "../../../src/services/KubeTransport.ts";

export type Body = Readonly<Record<string, unknown>>;
export type Asked = Effect.Effect<KubeObject, KubeError, KubeTransport>;
export type Script = (kit: Kit) => Effect.Effect<unknown, KubeError, KubeTransport>;

/** Cells that belong together, by their names. */
export interface Group {
  readonly title: string;
  /** They show what controllers do: on the fake they run in a simulated cluster. */
  readonly controllers?: boolean;
  readonly cells: Readonly<Record<string, Script>>;
}

export const JSON_PATCH: PatchType = "application/json-patch+json";
export const STRATEGIC: PatchType = "application/strategic-merge-patch+json";
const MERGE: PatchType = "application/merge-patch+json";

/** How long a script waits for what must come. Real time on a real server, virtual time in a simulated cluster. */
const PATIENCE = "15 seconds";
const POLL = "50 millis";

interface More {
  readonly subresource?: KubeRequest["subresource"];
  readonly query?: KubeQuery;
  readonly patchType?: PatchType;
}

const isObject = (value: unknown): value is KubeObject =>
  typeof value === "object" && value !== null;

const isSame = ([one, two]: readonly [KubeObject, KubeObject]) =>
  one.metadata.resourceVersion === two.metadata.resourceVersion;

/** Short ways to ask, in a namespace that no other cell uses. */
export class Kit {
  readonly ns: string;

  constructor(namespace: string) {
    this.ns = namespace;
  }

  /** A name for a cluster-scoped object that no other cell uses. */
  named(base: string): string {
    return `${this.ns}-${base}`;
  }

  request(request: KubeRequest): Asked {
    return Effect.gen(function* () {
      const transport = yield* KubeTransport;
      const answer = yield* transport.request(request);
      return isObject(answer) ? answer : yield* Effect.die(new Error("The answer is no object"));
    });
  }

  #ask(verb: KubeRequest["verb"], resource: Resource, rest: Partial<KubeRequest>): Asked {
    const place = resource.namespaced ? { namespace: this.ns } : {};
    return this.request({ verb, resource, ...place, ...rest });
  }

  create(resource: Resource, body: unknown, more: More = {}): Asked {
    return this.#ask("create", resource, { body, ...more });
  }

  get(resource: Resource, name: string, more: More = {}): Asked {
    return this.#ask("get", resource, { name, ...more });
  }

  put(resource: Resource, body: KubeObject, more: More & { readonly name?: string } = {}): Asked {
    return this.#ask("update", resource, { name: body.metadata.name, body, ...more });
  }

  /** A merge patch unless said otherwise. */
  patch(resource: Resource, name: string, body: unknown, more: More = {}): Asked {
    return this.#ask("patch", resource, { name, body, patchType: MERGE, ...more });
  }

  delete(resource: Resource, name: string, body?: Body, more: More = {}): Asked {
    return this.#ask("delete", resource, {
      name,
      ...(body === undefined ? {} : { body }),
      ...more,
    });
  }

  list(resource: Resource, query: KubeQuery = {}): Asked {
    return this.#ask("list", resource, { query });
  }

  evict(name: string, deleteOptions?: Body, resource: Resource = PodsOf): Asked {
    const body = {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name, namespace: this.ns },
      ...(deleteOptions === undefined ? {} : { deleteOptions }),
    };
    return this.#ask("create", resource, { name, subresource: "eviction", body });
  }

  /** The version of a list of the kind in this namespace: where a watch can start. */
  version(resource: Resource): Effect.Effect<string, KubeError, KubeTransport> {
    return Effect.map(this.list(resource), ({ metadata }) => metadata.resourceVersion);
  }

  /** The first frames of a watch; fewer when no more come in time, or when it ends. */
  frames(
    resource: Resource,
    count: number,
    request: Partial<WatchRequest> = {},
  ): Effect.Effect<ReadonlyArray<WatchFrame>, KubeError, KubeTransport> {
    const place = resource.namespaced ? { namespace: this.ns } : {};
    const seen: Array<WatchFrame> = [];
    return KubeTransport.pipe(
      Effect.flatMap((transport) =>
        transport.watch({ resource, ...place, ...request }).pipe(
          Stream.take(count),
          Stream.runForEach((frame) => Effect.sync(() => seen.push(frame))),
        ),
      ),
      Effect.timeoutOption(PATIENCE),
      Effect.map(() => seen),
    );
  }

  /** Asks again and again until what it reads is as wanted; then, or when patience is over, the last that was read. */
  until<A>(
    read: Effect.Effect<A, KubeError, KubeTransport>,
    wanted: (value: A) => boolean,
  ): Effect.Effect<A, KubeError, KubeTransport> {
    const again: Effect.Effect<A, KubeError, KubeTransport> = Effect.filterOrElse(
      read,
      wanted,
      () => Effect.delay(again, POLL),
    );
    return Effect.flatMap(Effect.timeoutOption(again, PATIENCE), (found) =>
      Option.isSome(found) ? Effect.succeed(found.value) : read,
    );
  }

  /** The object once no controller writes to it any more, as they do to new Nodes. */
  settled(resource: Resource, name: string): Asked {
    const twice = Effect.all([
      this.get(resource, name),
      Effect.delay(this.get(resource, name), "300 millis"),
    ]);
    return Effect.map(this.until(twice, isSame), ([, now]) => now);
  }

  /** Waits until an object is gone; false when it stays. */
  gone(resource: Resource, name: string): Effect.Effect<boolean, KubeError, KubeTransport> {
    const isGone = this.get(resource, name).pipe(
      Effect.as(false),
      Effect.catchTag("NotFound", () => Effect.succeed(true)),
    );
    return this.until(isGone, (gone) => gone);
  }
}

const PodsOf: Resource = {
  group: "",
  version: "v1",
  plural: "pods",
  kind: "Pod",
  namespaced: true,
};

/** What a request comes to: the object, or which error with which words. */
export const outcome = <A>(
  asked: Effect.Effect<A, KubeError, KubeTransport>,
): Effect.Effect<A | object, never, KubeTransport> =>
  Effect.match(asked, { onSuccess: (value): A | object => value, onFailure: describe });

const describe = (error: KubeError): object => ({
  error: error._tag,
  detail: error.detail,
  ...("causes" in error && error.causes.length > 0 ? { causes: error.causes } : {}),
  ...("code" in error ? { code: error.code } : {}),
  ...("retryAfterSeconds" in error ? { retryAfterSeconds: error.retryAfterSeconds } : {}),
});

/** What is at a path of names, `a.b.c`; undefined when nothing is. */
export const at = (value: unknown, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>(
      (inner, name) =>
        typeof inner === "object" && inner !== null
          ? (inner as Readonly<Record<string, unknown>>)[name]
          : undefined,
      value,
    );

/** Some parts of an object, or of the description of an error, by their paths; `null` is what is not there. */
export const view = (value: unknown, ...paths: ReadonlyArray<string>): object =>
  isObject(value) && "error" in value
    ? value
    : Object.fromEntries(paths.map((path) => [path, at(value, path) ?? null]));

/** The names of a list's items. */
export const names = (list: unknown): ReadonlyArray<unknown> => {
  const items = at(list, "items");
  return Array.isArray(items) ? items.map((item) => at(item, "metadata.name")) : [];
};

/** Type and name of frames, with more parts of their objects if wanted. */
export const told = (
  frames: ReadonlyArray<WatchFrame>,
  ...paths: ReadonlyArray<string>
): ReadonlyArray<unknown> =>
  frames.map(({ type, object }) => {
    const what = `${type} ${String(at(object, "metadata.name"))}`;
    return paths.length === 0 ? what : [what, view(object, ...paths)];
  });
