/** The fake cluster behind a program's transport, for tests and tools that look into it. */
import { Context } from "effect";
import type { FakeCluster } from "./FakeCluster.ts";

export class CurrentCluster extends Context.Service<CurrentCluster, FakeCluster>()(
  "nodeop/services/fake/CurrentCluster",
) {}
