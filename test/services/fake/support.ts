/** A small fake cluster on a clock that tests move, with short ways to ask it things. */
import type { KubeObject } from "../../../src/domain/kube/object.ts";
import type { Resource } from "../../../src/domain/kube/resource.ts";
import type { OpenWatch, StatusBody } from "../../../src/services/ApiServer.ts";
import { FakeCluster, type FakeClusterOptions } from "../../../src/services/fake/FakeCluster.ts";
import { at, textOf } from "../../../src/services/fake/json.ts";
import type { CrdLike } from "../../../src/services/fake/structural/schema.ts";
import type {
  KubeRequest,
  PatchType,
  WatchFrame,
  WatchRequest,
} from "../../../src/services/KubeTransport.ts";
import { Chance } from "../../../src/services/simulation/Chance.ts";

export const ConfigMaps: Resource = {
  group: "",
  version: "v1",
  plural: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
};

/** A custom resource with a status, a default, limits and rules. */
export const Foos: Resource = {
  group: "example.com",
  version: "v1",
  plural: "foos",
  kind: "Foo",
  namespaced: true,
};

const fooSpec = {
  type: "object",
  required: ["image"],
  "x-kubernetes-validations": [
    {
      rule: "self.image == oldSelf.image",
      message: "image is immutable; create one with a new name",
    },
    { rule: "self.concurrency <= 5", message: "too many" },
    { rule: "self.count + 1 < 100" },
    {
      rule: "!has(self.tag) || self.tag != 'bad'",
      message: "bad tag",
      fieldPath: ".tag",
      reason: "FieldValueForbidden",
    },
    { rule: "!has(self.tag) || self.tag != 'm'", messageExpression: "'tag is ' + self.tag" },
    { rule: "!has(self.m) || self.m['a'] == 'x'", message: "a must be x" },
  ],
  properties: {
    image: { type: "string", pattern: "^[a-z]+$", minLength: 2, maxLength: 10 },
    concurrency: { type: "integer", format: "int32", minimum: 0, maximum: 10, default: 1 },
    count: { type: "integer", default: 3 },
    flag: { type: "boolean", default: true },
    mode: { type: "string", enum: ["A", "B"] },
    tag: { type: "string" },
    n: { type: "string", nullable: true },
    d: { type: "object", properties: { x: { type: "integer", default: 7 } }, default: {} },
    items: {
      type: "array",
      minItems: 1,
      maxItems: 2,
      items: {
        type: "object",
        required: ["name"],
        properties: { name: { type: "string" }, v: { type: "integer", default: 1 } },
      },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
    },
    set: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
    m: {
      type: "object",
      additionalProperties: { type: "string" },
      minProperties: 1,
      maxProperties: 2,
    },
    free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    ios: { "x-kubernetes-int-or-string": true },
    num: { type: "number", exclusiveMaximum: true, maximum: 5 },
    when: { type: "string", format: "date-time" },
  },
};

export const fooCrd: CrdLike = {
  metadata: { name: "foos.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "foos", kind: "Foo" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: fooSpec,
              status: {
                type: "object",
                default: { observed: -1 },
                properties: {
                  observed: { type: "integer" },
                  phase: { type: "string" },
                  nodes: {
                    type: "object",
                    additionalProperties: {
                      type: "object",
                      properties: {
                        phase: { type: "string", enum: ["Pending", "Running", "Done"] },
                        n: { type: "integer", minimum: 0 },
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

export type Body = Readonly<Record<string, unknown>>;
type Options = Partial<Omit<KubeRequest, "verb" | "resource">>;

const isObject = (value: unknown): value is KubeObject =>
  typeof value === "object" && value !== null && "metadata" in value;

/** What a watch was told. */
export interface Seen {
  readonly frames: ReadonlyArray<WatchFrame>;
  readonly ends: ReadonlyArray<StatusBody | undefined>;
  readonly close: () => void;
}

/** `MODIFIED a@7`: the type, name and version of a frame. */
export const said = ({ type, object }: WatchFrame): string => {
  const name = textOf(at(object, "metadata", "name"));
  return `${type} ${name}@${textOf(at(object, "metadata", "resourceVersion"))}`;
};

export class TestCluster {
  now: number;
  readonly cluster: FakeCluster;

  constructor(options: Partial<FakeClusterOptions> & { readonly seed?: number } = {}) {
    const chance = new Chance(options.seed ?? 1);
    this.now = Date.UTC(2026, 0, 1);
    this.cluster = new FakeCluster({
      now: () => this.now,
      chance: () => chance.next(),
      crds: [fooCrd],
      ...options,
    });
  }

  /** The object that a request is answered with; throws the Status when it fails. */
  ask(verb: KubeRequest["verb"], resource: Resource, options: Options = {}): KubeObject {
    const answer = this.cluster.handle("user", this.#request(verb, resource, options));
    if (!answer.ok) throw new Error(`${answer.status.code} ${answer.status.message}`);
    if (!isObject(answer.object)) throw new Error("The answer is no object");
    return answer.object;
  }

  /** The Status that a request fails with; throws when it succeeds. */
  refusal(verb: KubeRequest["verb"], resource: Resource, options: Options = {}): StatusBody {
    const answer = this.cluster.handle("user", this.#request(verb, resource, options));
    if (answer.ok) throw new Error(`Not refused: ${JSON.stringify(answer.object)}`);
    return answer.status;
  }

  #request(verb: KubeRequest["verb"], resource: Resource, options: Options): KubeRequest {
    const namespace = resource.namespaced ? { namespace: "default" } : {};
    return { verb, resource, ...namespace, ...options };
  }

  create(resource: Resource, body: Body): KubeObject {
    return this.ask("create", resource, { body });
  }

  get(resource: Resource, name: string): KubeObject {
    return this.ask("get", resource, { name });
  }

  patch(resource: Resource, name: string, body: unknown, options: Options = {}): KubeObject {
    return this.ask("patch", resource, { name, body, ...options });
  }

  put(resource: Resource, body: KubeObject, options: Options = {}): KubeObject {
    return this.ask("update", resource, { name: body.metadata.name, body, ...options });
  }

  delete(resource: Resource, name: string, body: Body = {}): KubeObject {
    return this.ask("delete", resource, { name, body });
  }

  has(resource: Resource, name: string): boolean {
    const ref = resource.namespaced ? { namespace: "default", name } : { name };
    return this.cluster.object(resource, ref) !== undefined;
  }

  names(resource: Resource, query: KubeRequest["query"] = {}): ReadonlyArray<unknown> {
    const items = this.ask("list", resource, { query })["items"];
    return Array.isArray(items) ? items.map((item: unknown) => at(item, "metadata", "name")) : [];
  }

  watch(resource: Resource, options: Partial<WatchRequest> = {}): Seen {
    const frames: Array<WatchFrame> = [];
    const ends: Array<StatusBody | undefined> = [];
    const opened = this.cluster.watch(
      "watcher",
      { resource, ...options },
      {
        frames: (some) => {
          frames.push(...some);
        },
        closed: (end) => {
          ends.push(end);
        },
      },
    );
    if (!isOpen(opened)) throw new Error(`${opened.code} ${opened.message}`);
    return { frames, ends, close: opened.close };
  }

  watchRefusal(resource: Resource, options: Partial<WatchRequest>): StatusBody {
    const sink = { frames: () => {}, closed: () => {} };
    const opened = this.cluster.watch("watcher", { resource, ...options }, sink);
    if (isOpen(opened)) throw new Error("Not refused");
    return opened;
  }
}

const isOpen = (opened: OpenWatch | StatusBody): opened is OpenWatch => "close" in opened;

export const configMap = (name: string, more: Body = {}): Body => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data: { k: name },
  ...more,
});

export const foo = (name: string, spec: Body = { image: "abc" }, more: Body = {}): Body => ({
  apiVersion: "example.com/v1",
  kind: "Foo",
  metadata: { name },
  spec,
  ...more,
});

export const pod = (name: string, spec: Body = {}, meta: Body = {}): Body => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, ...meta },
  spec: { containers: [{ name: "c", image: "img" }], ...spec },
});

export const job = (name: string, spec: Body = {}, meta: Body = {}): Body => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name, ...meta },
  spec: {
    template: {
      metadata: { labels: { t: "1" } },
      spec: { restartPolicy: "Never", containers: [{ name: "c", image: "img" }] },
    },
    ...spec,
  },
});

export const JSON_PATCH: PatchType = "application/json-patch+json";
export const STRATEGIC: PatchType = "application/strategic-merge-patch+json";

export { at };
