/** Runs cells on a target and compares what they observe with what is recorded. */
import { Effect } from "effect";
import { Namespaces, ServiceAccounts } from "../../../src/domain/kube/resource.ts";
import type { KubeError } from "../../../src/services/KubeError.ts";
import type { KubeTransport } from "../../../src/services/KubeTransport.ts";
import { Kit, type Script } from "./cell.ts";
import { normalise } from "./normalise.ts";

/** The namespace with the account that Pods run under; its token is not mounted, so that Pods are as they were sent. */
const prepare = (kit: Kit) =>
  Effect.gen(function* () {
    const { ns } = kit;
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: ns } };
    yield* kit.create(Namespaces, namespace);
    const account = {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "default" },
      automountServiceAccountToken: false,
    };
    yield* kit.create(ServiceAccounts, account).pipe(
      // A controller was faster.
      Effect.catchTag("AlreadyExists", () =>
        kit.patch(ServiceAccounts, "default", { automountServiceAccountToken: false }),
      ),
    );
  });

/** What a script observes, in a namespace of its own. */
export const observe = (
  script: Script,
  namespace: string,
): Effect.Effect<unknown, KubeError, KubeTransport> =>
  Effect.gen(function* () {
    const kit = new Kit(namespace);
    yield* prepare(kit);
    return normalise(yield* script(kit), namespace);
  });

/** Namespaces of equal length, because names have limits. */
export const namespaces = (run: string): (() => string) => {
  let count = 0;
  return () => `cell-${run}-${String(++count).padStart(4, "0")}`;
};
