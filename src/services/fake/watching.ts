/** Opens watches: from a version, from what exists now, or from a past that is no longer kept (410). */
import { Result } from "effect";
import type { OpenWatch, StatusBody, WatchSink } from "../ApiServer.ts";
import type { WatchFrame, WatchRequest } from "../KubeTransport.ts";
import { own } from "./json.ts";
import { selectObjects } from "./reading.ts";
import { Selection } from "./Selection.ts";
import { expired, internalError } from "./status.ts";
import type { Shelf, Store } from "./Store.ts";
import type { Watcher } from "./Watchers.ts";

/** Marks the bookmark after which the initial events are complete (KEP-3157, on by default). */
const INITIAL_END = { "k8s.io/initial-events-end": "true" };

/** The version to start after; undefined: with synthetic ADDED frames of what exists. */
const startOf = (request: WatchRequest): Result.Result<number | undefined, StatusBody> => {
  const { resourceVersion: text = "" } = request;
  if (text === "" || text === "0") return Result.succeed(undefined);
  if (/^\d+$/u.test(text)) return Result.succeed(Number(text));
  const quoted = JSON.stringify(text);
  const why = `strconv.ParseUint: parsing ${quoted}: invalid syntax`;
  return Result.fail(internalError(`resourceVersion: Invalid value: ${quoted}: ${why}`));
};

/** What the watch is told before anything new happens. */
const firstFrames = (
  { kind, table, watchers }: Shelf,
  selection: Selection,
  start: number | undefined,
  ending: object | undefined,
): ReadonlyArray<WatchFrame> => {
  if (start !== undefined) return watchers.replay(selection, table.since(start));
  const frames: Array<WatchFrame> = selectObjects(table, selection).map((object) =>
    own({ type: "ADDED", object: kind.complete(object) }),
  );
  return ending === undefined ? frames : [...frames, own({ type: "BOOKMARK", object: ending })];
};

/** Opens a watch on the objects of a kind, or says why not. Its first frames reach the sink before this returns. */
export const openWatch = (
  store: Store,
  shelf: Shelf,
  actor: string,
  request: WatchRequest,
  sink: WatchSink,
): OpenWatch | StatusBody => {
  const parsed = Selection.parse(shelf.kind, request);
  if (Result.isFailure(parsed)) return parsed.failure;
  const start = startOf(request);
  if (Result.isFailure(start)) return start.failure;
  const { compacted } = shelf.table;
  if (start.success !== undefined && start.success < compacted) {
    return expired(`too old resource version: ${start.success} (${compacted})`);
  }
  const bookmarks = request.allowWatchBookmarks === true;
  const watcher: Watcher = {
    actor,
    selection: parsed.success,
    sink,
    bookmarks,
    // A version in the future is waited for.
    version: Math.max(store.version, start.success ?? 0),
    open: true,
  };
  const ending = bookmarks ? shelf.watchers.bookmarkObject(store.version, INITIAL_END) : undefined;
  const frames = firstFrames(shelf, parsed.success, start.success, ending);
  shelf.watchers.add(watcher);
  if (frames.length > 0) sink.frames(own([...frames]));
  return { close: () => shelf.watchers.remove(watcher) };
};
