/** The audit log as it grows: each line is read once, whole runs have hundreds of thousands. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { AuditEvent as AuditLine } from "../../support/controlPlane/audit.ts";

/** One answered request, with what the authorizer said. */
export interface AuditEvent extends AuditLine {
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Whether the request only asked what a write would come to. */
export const isDryRun = ({ requestURI }: AuditEvent): boolean => requestURI.includes("dryRun=");

export class AuditTail {
  readonly #path: string;
  readonly #events: Array<AuditEvent> = [];
  #offset = 0;
  #rest = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
  }

  /** Everything that the server has written so far. */
  read(): ReadonlyArray<AuditEvent> {
    const file = openSync(this.#path, "r");
    const fresh = Buffer.alloc(fstatSync(file).size - this.#offset);
    const length = readSync(file, fresh, 0, fresh.length, this.#offset);
    closeSync(file);
    this.#offset += length;
    const bytes = Buffer.concat([this.#rest, fresh.subarray(0, length)]);
    const end = bytes.lastIndexOf(0x0a) + 1;
    this.#rest = bytes.subarray(end);
    for (const line of bytes.toString("utf8", 0, end).split("\n"))
      if (line !== "") this.#events.push(slim(JSON.parse(line) as AuditEvent));
    return this.#events;
  }
}

/** What says who made which version; whole objects of a whole run would be a gigabyte. */
const slim = ({ requestObject: _r, responseObject, ...event }: AuditEvent): AuditEvent => {
  const { metadata, details } = (responseObject ?? {}) as {
    readonly metadata?: { readonly uid?: string; readonly resourceVersion?: string };
    readonly details?: { readonly uid?: string };
  };
  const { uid, resourceVersion } = metadata ?? {};
  return { ...event, responseObject: { metadata: { uid, resourceVersion }, details } };
};
