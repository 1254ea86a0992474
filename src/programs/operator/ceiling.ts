/**
 * Enters nodes into the book before they are claimed, so that the ceiling holds over all operations and operators. The book
 * is a Lease: the operator may create those in its own namespace anyway. Without a ceiling nothing here is ever run.
 */
import { Effect, Schema } from "effect";
import {
  ANNOTATION_BOOK,
  BOOK_NAME,
  type Book,
  enter,
  type Entered,
  type Operations,
  readBook,
  withoutDead,
  writeBook,
} from "../../domain/ceiling/book.ts";
import type { Ceiling } from "../../domain/ceiling/limit.ts";
import type { Occupancy } from "../../domain/ceiling/occupancy.ts";
import type { NodeOp } from "../../domain/api/nodeop.ts";
import { ViewMeta } from "../../domain/kube/view.ts";
import { holder, parseHolder } from "../../domain/labels.ts";
import { apiVersionOf, Leases } from "../../domain/kube/resource.ts";
import { type ApiError, KubeApi } from "../../services/KubeApi.ts";
import { typed } from "../../services/typed.ts";
import { Caches } from "./Caches.ts";
import { NodeOpResource } from "./resources.ts";

/** What the operator was told of a ceiling. */
export interface CeilingOptions {
  readonly ceiling: Ceiling;
  /** Where the book is: the operator's own namespace. */
  readonly namespace: string;
}

const BookResource = typed(Leases, Schema.Struct({ metadata: ViewMeta }));
type BookObject = { readonly metadata: ViewMeta };

/** Several operations of one operator write at the same time; each that loses reads again. */
const ATTEMPTS_MAX = 10;
const READS_AT_ONCE = 8;

/** What came of it: besides `Entered` and `Full`, that the operation itself is another version than the one observed. */
export type Reservation = Entered | { readonly _tag: "Outdated" };

/**
 * Enters the nodes that `operation`, as it was read, is about to claim. The API server is asked about all that decides: the book
 * first, then the operations that it names.
 */
export const reserve = Effect.fnUntraced(function* (
  options: CeilingOptions,
  request: {
    readonly operation: NodeOp;
    readonly nodes: ReadonlyArray<string>;
    readonly occupancy: Occupancy;
  },
): Effect.fn.Return<Reservation, ApiError, KubeApi | Caches> {
  const { operation } = request;
  const own = holder({ namespace: "", ...operation.metadata });
  for (let attempt = 1; ; attempt++) {
    const { object, book } = yield* readBookObject(options);
    const operations = yield* readOperations(book);
    const fresh = operations.get(own);
    if (fresh !== undefined && !isSameVersion(fresh, operation)) return { _tag: "Outdated" };
    const entered = enter({ ...request, book, operations });
    if (entered._tag === "Full" || entered.book === book) return entered;
    const isStored = yield* store(options, object, entered.book).pipe(
      Effect.as(true),
      Effect.catchIf(
        (error) => attempt < ATTEMPTS_MAX && LOST.has(error._tag),
        () => Effect.succeed(false),
      ),
    );
    if (isStored) return entered;
  }
});

/** Errors that say that somebody else was first. */
const LOST: ReadonlySet<ApiError["_tag"]> = new Set(["Conflict", "AlreadyExists", "NotFound"]);

const isSameVersion = (fresh: NodeOp | string, { metadata }: NodeOp): boolean =>
  typeof fresh !== "string" && fresh.metadata.resourceVersion === metadata.resourceVersion;

/** Strikes out what does not count any more. Whoever enters nodes does so too; this is for when nobody does. */
export const sweepBook = Effect.fnUntraced(function* (
  options: CeilingOptions,
): Effect.fn.Return<void, ApiError, KubeApi | Caches> {
  const { object, book } = yield* readBookObject(options);
  if (object === undefined || book.length === 0) return;
  const alive = withoutDead(book, yield* readOperations(book));
  if (alive !== book) yield* store(options, object, alive);
});

const readBookObject = Effect.fnUntraced(function* ({ namespace }: CeilingOptions) {
  const api = yield* KubeApi;
  const object = yield* Effect.catchTag(
    api.get(BookResource, { namespace, name: BOOK_NAME }),
    "NotFound",
    () => Effect.undefined,
  );
  const book = readBook(object?.metadata.annotations?.[ANNOTATION_BOOK]);
  // What is in flight is counted by the statuses too; only claims that are under way in this moment are not.
  if (book === undefined)
    yield* Effect.annotateLogs(
      Effect.logWarning("the ceiling's book cannot be read, and is begun anew"),
      { lease: `${namespace}/${BOOK_NAME}` },
    );
  return { object, book: book ?? [] };
});

/** Every operation that the book names, as the API server has it now. */
const readOperations = Effect.fnUntraced(function* (
  book: Book,
): Effect.fn.Return<Operations, ApiError, KubeApi | Caches> {
  const names = [...new Set(book.map(({ by }) => by))];
  const read = yield* Effect.forEach(
    names,
    (name) => Effect.map(readOperation(name), (operation) => [name, operation] as const),
    { concurrency: READS_AT_ONCE },
  );
  return new Map(read);
});

const readOperation = Effect.fnUntraced(function* (
  name: string,
): Effect.fn.Return<NodeOp | "gone" | "unreadable", ApiError, KubeApi | Caches> {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const ref = parseHolder(name);
  if (ref === undefined) return "gone";
  return yield* api.get(NodeOpResource, ref).pipe(
    Effect.map((operation) => {
      caches.operations.observe(operation);
      return operation.metadata.uid === ref.uid ? operation : "gone";
    }),
    Effect.catchTags({
      NotFound: () => Effect.succeed("gone" as const),
      Undecodable: () => Effect.succeed("unreadable" as const),
    }),
  );
});

const store = Effect.fnUntraced(function* (
  { namespace }: CeilingOptions,
  before: BookObject | undefined,
  book: Book,
) {
  const api = yield* KubeApi;
  const annotations = { [ANNOTATION_BOOK]: writeBook(book) };
  if (before === undefined)
    return yield* api.create(BookResource, {
      apiVersion: apiVersionOf(Leases),
      kind: Leases.kind,
      metadata: { name: BOOK_NAME, namespace, annotations },
      spec: {},
    });
  const { resourceVersion, uid } = before.metadata;
  return yield* api.patch(
    BookResource,
    { namespace, name: BOOK_NAME },
    { metadata: { uid, resourceVersion, annotations } },
  );
});
