/** What a host's files say about it, for programs that only read them; the reboot agent's `Host` can do more. */
import { Context, type Effect } from "effect";
import type { HostTexts } from "../domain/host/texts.ts";
import type { HostError } from "./Host.ts";

export class HostFiles extends Context.Service<
  HostFiles,
  {
    /** The texts as they are now. Fails when one is there and cannot be read. */
    readonly texts: Effect.Effect<HostTexts, HostError>;
  }
>()("nodeop/services/HostFiles") {}
