/** Whether the cluster lets the operator work: everything that it watches is listed once, before anything else is asked. */
import { Effect, Result } from "effect";
import {
  API_GROUP,
  Jobs,
  NodeOps,
  NodeOpUpgrades,
  Nodes,
  Pods,
  type Resource,
  resourceName,
} from "../../domain/kube/resource.ts";
import { type Backoff, backoffMillis } from "../../services/backoff.ts";
import type { KubeError } from "../../services/KubeError.ts";
import { KubeTransport } from "../../services/KubeTransport.ts";

const WATCHED: ReadonlyArray<Resource> = [NodeOps, NodeOpUpgrades, Nodes, Jobs, Pods];

const BACKOFF: Backoff = { base: "1 second", max: "15 seconds" };

/** What stands in the way, with verb and resource, and what to do about it. */
const sentenceOf = (resource: Resource, error: KubeError): string => {
  const name = resourceName(resource);
  switch (error._tag) {
    case "NotFound":
      return resource.group === API_GROUP
        ? `list ${name}: the API server does not know this resource; install the CRDs (nodeop manifests --crds-only | kubectl apply -f -)`
        : `list ${name}: the API server does not know this resource; it is too old, or no Kubernetes`;
    case "Forbidden":
      return `list ${name}: not allowed; grant the operator's account the verbs list and watch on ${name}. The server says: ${error.detail}`;
    case "Unauthorized":
      return `list ${name}: the API server refuses the credentials; renew them. The server says: ${error.detail}`;
    default:
      return `list ${name}: ${error.detail}`;
  }
};

/** Errors that have nothing to do with the resource: the first one stands for all. */
const concernsAll = ({ _tag }: KubeError): boolean => _tag !== "NotFound" && _tag !== "Forbidden";

/** Everything that keeps the operator from reading what it must, as sentences. */
export const accessProblems = Effect.fnUntraced(function* (
  namespace: string | undefined,
): Effect.fn.Return<ReadonlyArray<string>, never, KubeTransport> {
  const transport = yield* KubeTransport;
  const problems: Array<string> = [];
  for (const resource of WATCHED) {
    const answer = yield* Effect.result(
      transport.request({
        verb: "list",
        resource,
        namespace: resource.namespaced ? namespace : undefined,
        query: { limit: 1 },
      }),
    );
    if (Result.isSuccess(answer)) continue;
    problems.push(sentenceOf(resource, answer.failure));
    if (concernsAll(answer.failure)) break;
  }
  return problems;
});

/**
 * Completes when there is no problem left. All of them can heal without a restart: CRDs and permissions come, tokens are
 * renewed, API servers return. Each is said once. `onProblems` hears of every change; none means that all is well.
 */
export const awaitAccess = Effect.fnUntraced(function* (
  namespace: string | undefined,
  onProblems: (problems: ReadonlyArray<string>) => void,
): Effect.fn.Return<void, never, KubeTransport> {
  let told: ReadonlyArray<string> = [];
  for (let attempt = 0; ; attempt++) {
    const problems = yield* accessProblems(namespace);
    onProblems(problems);
    if (problems.length === 0) break;
    for (const problem of problems)
      yield* Effect.annotateLogs(
        (told.includes(problem) ? Effect.logDebug : Effect.logError)(
          "the operator cannot work yet; it tries again",
        ),
        { problem },
      );
    told = problems;
    yield* Effect.sleep(yield* backoffMillis(BACKOFF, attempt));
  }
  if (told.length > 0) yield* Effect.logInfo("the operator can work now");
});
