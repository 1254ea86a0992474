/** Reads: one object, and lists with selectors, pages and versions (apiserver storage/etcd3 store.go, continue.go). */
import { Result } from "effect";
import type { KubeObject } from "../../domain/kube/object.ts";
import { apiVersionOf } from "../../domain/kube/resource.ts";
import type { StatusBody } from "../ApiServer.ts";
import type { KubeQuery, KubeRequest } from "../KubeTransport.ts";
import { at, own } from "./json.ts";
import type { Kind } from "./kinds/Kind.ts";
import { Selection } from "./Selection.ts";
import { badRequest, expired, notFound, versionTooLarge } from "./status.ts";
import type { Shelf, Store } from "./Store.ts";
import type { Table } from "./Table.ts";

type Answered<A> = Result.Result<A, StatusBody>;
type Entry = readonly [key: string, object: KubeObject];

const DECIMAL = /^\d+$/u;

/** A version parameter: undefined when absent, 400 when it is no number, 504 when it lies in the future. */
const parseVersion = (text: string | undefined, current: number): Answered<number | undefined> => {
  if (text === undefined || text === "") return Result.succeed(undefined);
  if (!DECIMAL.test(text)) {
    const why = `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
    return Result.fail(
      badRequest(
        `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: ${why}`,
      ),
    );
  }
  const version = Number(text);
  return version > current
    ? Result.fail(versionTooLarge(version, current))
    : Result.succeed(version);
};

/** The object a request names. */
export const getObject = (
  store: Store,
  shelf: Shelf,
  request: KubeRequest,
): Answered<KubeObject> => {
  const { kind, table } = shelf;
  const version = parseVersion(request.query?.resourceVersion, store.version);
  if (Result.isFailure(version)) return Result.fail(version.failure);
  const name = request.name ?? "";
  const object = table.get({ namespace: request.namespace, name });
  return object === undefined
    ? Result.fail(notFound(kind.resource, name))
    : Result.succeed(kind.complete(object));
};

/** Where a list goes on: after a key, as of a version; without one as of now, which may not fit what came before. */
interface Place {
  readonly version: number | undefined;
  readonly after: string;
}

const encodePlace = (version: number | undefined, after: string): string =>
  Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: version ?? -1, start: after })).toString(
    "base64url",
  );

const INVALID_TOKEN = "invalid continue token: continue key is not valid";

const decodePlace = (token: string): Answered<Place> =>
  Result.try({
    try: (): Place => {
      const json: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
      const version = at(json, "rv");
      const after = at(json, "start");
      if (typeof version !== "number" || typeof after !== "string") throw new Error("fields");
      return { version: version < 0 ? undefined : version, after };
    },
    catch: (error) => badRequest(`${INVALID_TOKEN}: ${String(error)}`),
  });

const TOO_OLD =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/** 410 with a token that goes on from here in spite of the gap, for clients that rather have all than a snapshot. */
const expiredPlace = (place: Place): StatusBody =>
  Object.assign(expired(TOO_OLD), {
    metadata: { continue: encodePlace(undefined, place.after) },
  });

/** The keys that can match, in order: as few as the indexes allow. */
const candidates = (table: Table, selection: Selection): ReadonlyArray<string> => {
  if (selection.indexed !== undefined) return table.keysWith(selection.indexed);
  if (selection.name !== undefined && selection.namespace !== undefined) {
    return [`${selection.namespace}/${selection.name}`];
  }
  return table.keys();
};

const current = function* (table: Table, selection: Selection): Generator<Entry> {
  for (const key of candidates(table, selection)) {
    const object = table.byKey(key);
    if (object !== undefined && selection.matches(object)) yield [key, object];
  }
};

const startOf = (query: KubeQuery, now: number): Answered<Place> => {
  if (query.continue === undefined || query.continue === "") {
    const version = parseVersion(query.resourceVersion, now);
    return Result.map(version, () => ({ version: now, after: "" }));
  }
  return query.resourceVersion === undefined || query.resourceVersion === ""
    ? decodePlace(query.continue)
    : Result.fail(badRequest("specifying resource version is not allowed when using continue"));
};

const bareItems = new WeakMap<KubeObject, object>();

/** Items of built-in kinds do not say what they are: the list does. */
const itemOf = (kind: Kind, object: KubeObject): object => {
  const complete = kind.complete(object);
  if (kind.custom) return complete;
  const known = bareItems.get(complete);
  if (known !== undefined) return known;
  const { apiVersion: _a, kind: _k, ...rest } = complete;
  const bare = own(rest);
  bareItems.set(complete, bare);
  return bare;
};

/** One page of a list: the body that the server answers with. */
export const listObjects = (store: Store, shelf: Shelf, request: KubeRequest): Answered<object> => {
  const { kind, table } = shelf;
  const query = request.query ?? {};
  const parsed = Selection.parse(kind, { ...query, namespace: request.namespace });
  if (Result.isFailure(parsed)) return Result.fail(parsed.failure);
  const selection = parsed.success;
  const start = startOf(query, store.version);
  if (Result.isFailure(start)) return Result.fail(start.failure);
  const { version = store.version, after } = start.success;
  if (version < table.compacted) return Result.fail(expiredPlace(start.success));
  const isPast = version < store.version && table.since(version).length > 0;
  const entries = isPast
    ? table.snapshot(version).filter(([, object]) => selection.matches(object))
    : [...current(table, selection)];
  const rest = after === "" ? entries : entries.filter(([key]) => key > after);
  // Version 0 is answered from the server's cache, which knows no pages.
  const paged = query.resourceVersion !== "0" && (query.limit ?? 0) > 0;
  const page = paged ? rest.slice(0, query.limit) : rest;
  const last = page.at(-1);
  const remaining = rest.length - page.length;
  const { resource } = kind;
  return Result.succeed(
    own({
      apiVersion: apiVersionOf(resource),
      kind: `${resource.kind}List`,
      metadata: own({
        resourceVersion: String(version),
        ...(remaining > 0 && last !== undefined
          ? {
              continue: encodePlace(version, last[0]),
              ...(selection.isFiltered ? {} : { remainingItemCount: remaining }),
            }
          : {}),
      }),
      items: own(page.map(([, object]) => itemOf(kind, object))),
    }),
  );
};

/** The objects a selection matches now, in order: what a watch starts with. */
export const selectObjects = (table: Table, selection: Selection): ReadonlyArray<KubeObject> =>
  [...current(table, selection)].map(([, object]) => object);
