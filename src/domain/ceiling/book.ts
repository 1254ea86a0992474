/**
 * The book: the nodes that may be in flight, over all operations, in one object that all operators compare and swap. A node
 * has its line before it is claimed. The protocol is that of `test/model/ceiling.ts`.
 */
import { Option, Schema } from "effect";
import type { NodeOp } from "../api/nodeop.ts";
import { holder } from "../labels.ts";
import { entryFor, NO_ENTRIES } from "../rollout/census.ts";
import { isInFlight } from "../rollout/entry.ts";
import type { Occupancy } from "./occupancy.ts";

/** Name of the Lease that is the book, in the operator's namespace. */
export const BOOK_NAME = "nodeop-ceiling";
/** On that Lease: the lines, as JSON. */
export const ANNOTATION_BOOK = "operator.kairos.io/in-flight";

/** One node that may be in flight. */
const Line = Schema.Struct({
  node: Schema.String,
  /** The operation, as `holder` writes it. */
  by: Schema.String,
  /** The resourceVersion of the operation under which the node is claimed: in no other version can that claim come any more. */
  at: Schema.String,
});
export interface Line extends Schema.Schema.Type<typeof Line> {}

/** All lines. */
export type Book = ReadonlyArray<Line>;

const BookJson = Schema.fromJsonString(Schema.Array(Line));
const decode = Schema.decodeUnknownOption(BookJson);

/** The lines of an annotation; none where there is no annotation, undefined where it is no book. */
export const readBook = (text: string | undefined): Book | undefined =>
  text === undefined ? [] : Option.getOrUndefined(decode(text));

export const writeBook: (book: Book) => string = Schema.encodeSync(BookJson);

/** Operations by how they sign, read after the book was. Of one that does not decode nothing is known: its lines stay. */
export type Operations = ReadonlyMap<string, NodeOp | "gone" | "unreadable">;

/** Whether a line stands for a node that is in flight, or that may be at any moment. */
const counts = ({ at, by, node }: Line, operations: Operations): boolean => {
  const operation = operations.get(by) ?? "unreadable";
  if (typeof operation === "string") return operation === "unreadable";
  return isClaimed({ node }, operation) || operation.metadata.resourceVersion === at;
};

const isClaimed = ({ node }: Pick<Line, "node">, { status }: NodeOp): boolean => {
  const entry = entryFor(status.nodeStatuses ?? NO_ENTRIES, node);
  return entry !== undefined && isInFlight(entry);
};

/** The lines that count, with everybody else's struck out; the very book given when all of them do. */
export const withoutDead = (book: Book, operations: Operations): Book => {
  const alive = book.filter((line) => counts(line, operations));
  return alive.length === book.length ? book : alive;
};

/** What came of entering nodes into the book. */
export type Entered =
  /** The book to store before they are claimed; the very one read when it says so already. */
  | { readonly _tag: "Entered"; readonly book: Book }
  /**
   * They do not all fit beside what is taken. With `hasStale` a line of this very operation is in the way, for a node that it
   * does not want any more: any write to the operation outdates it.
   */
  | { readonly _tag: "Full"; readonly taken: ReadonlySet<string>; readonly hasStale: boolean };

/**
 * Enters the nodes that `operation`, in this very version, is about to claim. Exact: the book is stored under its own
 * resourceVersion, the claim under that of the operation.
 */
export const enter = (options: {
  readonly book: Book;
  readonly operations: Operations;
  readonly operation: NodeOp;
  readonly nodes: ReadonlyArray<string>;
  readonly occupancy: Occupancy;
}): Entered => {
  const { nodes, occupancy, operation, operations } = options;
  const by = holder({ namespace: "", ...operation.metadata });
  const at = operation.metadata.resourceVersion;
  const isWanted = (line: Line) => line.by === by && nodes.includes(line.node);
  const others = withoutDead(options.book, operations).filter((line) => !isWanted(line));
  const taken = new Set([...occupancy.taken, ...others.map(({ node }) => node)]);
  if (new Set([...taken, ...nodes]).size > occupancy.limit) {
    const hasStale = others.some((line) => line.by === by && !isClaimed(line, operation));
    return { _tag: "Full", taken, hasStale };
  }
  const isThere = (node: string) =>
    options.book.some((line) => line.by === by && line.node === node && line.at === at);
  if (others.length + nodes.length === options.book.length && nodes.every(isThere))
    return { _tag: "Entered", book: options.book };
  return { _tag: "Entered", book: [...others, ...nodes.map((node) => ({ node, by, at }))] };
};
