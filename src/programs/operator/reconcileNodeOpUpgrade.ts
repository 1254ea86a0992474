/** One reconcile of a NodeOpUpgrade: it makes its NodeOp, passes on what steers it, and mirrors its status. */
import { Clock, Effect } from "effect";
import { decodeNodeOpUpgrade } from "../../domain/api/decode.ts";
import type { NodeOp } from "../../domain/api/nodeop.ts";
import type { NodeOpUpgrade, NodeOpUpgradeStatus } from "../../domain/api/nodeopupgrade.ts";
import { mergePatchBetween } from "../../domain/kube/mergePatch.ts";
import { decideUpgrade, type OwnOperation } from "../../domain/upgrade/decideUpgrade.ts";
import { initializing } from "../../domain/upgrade/mirror.ts";
import { type ApiError, KubeApi } from "../../services/KubeApi.ts";
import { Caches } from "./Caches.ts";
import type { Memory, OperationMemory } from "./Memory.ts";
import type { LookAgain } from "./reconcileNodeOp.ts";
import { AnyNodeOpUpgrade, NodeOpResource, NodeOpUpgradeResource } from "./resources.ts";
import { tellInvalid } from "./tellInvalid.ts";

/**
 * Reconciles the NodeOpUpgrade of this key (`namespace/name`): one pass, one write at most. Tells when to look again; fails as
 * `reconcileNodeOp` does.
 */
export const reconcileNodeOpUpgrade = Effect.fnUntraced(function* (
  key: string,
  options: { readonly memory: Memory },
): Effect.fn.Return<LookAgain, ApiError, KubeApi | Caches> {
  const caches = yield* Caches;
  if (caches.unreadableUpgrades.has(key)) {
    yield* tellInvalid(key, {
      unreadable: caches.unreadableUpgrades,
      any: AnyNodeOpUpgrade,
      decode: decodeNodeOpUpgrade,
      observe: caches.upgrades.observe,
    });
    return { at: undefined };
  }
  const upgrade = caches.upgrades.get(key);
  if (upgrade === undefined) {
    options.memory.drop(key);
    return { at: undefined };
  }
  const operation = caches.operations.get(key);
  const own: OwnOperation =
    operation === undefined ? { _tag: "Unknown" } : { _tag: "Exists", operation };
  return yield* pass(upgrade, own, options.memory.of(key, upgrade.metadata.uid));
});

const pass = Effect.fnUntraced(function* (
  upgrade: NodeOpUpgrade,
  own: OwnOperation,
  memory: OperationMemory,
): Effect.fn.Return<LookAgain, ApiError, KubeApi | Caches> {
  const now = yield* Clock.currentTimeMillis;
  const decision = decideUpgrade(upgrade, own, { now, mirroredAt: memory.statusWrittenAt });
  switch (decision._tag) {
    case "Nothing":
      return { at: undefined };
    case "Confirm":
      return yield* pass(upgrade, yield* readOwn(upgrade), memory);
    case "Create":
      yield* create(upgrade, decision.object, now);
      memory.statusWrittenAt = now;
      return { at: undefined };
    case "Steer":
      yield* steer(decision.operation, decision.patch);
      return { at: now };
    case "Later":
      return { at: decision.at };
    case "Store":
      memory.statusWrittenAt = now;
      yield* storeStatus(upgrade, decision.status);
      return { at: undefined };
  }
});

const readOwn = Effect.fnUntraced(function* (upgrade: NodeOpUpgrade) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { name, namespace } = upgrade.metadata;
  return yield* api.get(NodeOpResource, { name, namespace }).pipe(
    Effect.map((operation): OwnOperation => {
      caches.operations.observe(operation);
      return { _tag: "Exists", operation };
    }),
    Effect.catchTags({
      NotFound: () => Effect.succeed<OwnOperation>({ _tag: "Absent" }),
      Undecodable: ({ detail }) =>
        Effect.succeed<OwnOperation>({ _tag: "Invalid", problems: detail }),
    }),
  );
});

/** The NodeOp first, then the note that it was made: a crash in between finds the NodeOp of our name and uid. */
const create = Effect.fnUntraced(function* (upgrade: NodeOpUpgrade, object: object, now: number) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  // An old cache may show an upgrade that was deleted, or that has had its NodeOp: it must not run again.
  const { name, namespace, uid } = upgrade.metadata;
  const fresh = yield* api.get(NodeOpUpgradeResource, { name, namespace });
  caches.upgrades.observe(fresh);
  const isWanted =
    fresh.metadata.uid === uid &&
    fresh.metadata.deletionTimestamp === undefined &&
    fresh.status.nodeOpName === undefined;
  if (!isWanted) return;
  caches.operations.observe(yield* api.create(NodeOpResource, object));
  yield* storeStatus(fresh, initializing(fresh, now));
});

const steer = Effect.fnUntraced(function* (operation: NodeOp, patch: object) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { name, namespace, uid, resourceVersion } = operation.metadata;
  const stored = yield* api.patch(
    NodeOpResource,
    { name, namespace },
    { metadata: { uid, resourceVersion }, ...patch },
  );
  caches.operations.observe(stored);
});

const storeStatus = Effect.fnUntraced(function* (
  upgrade: NodeOpUpgrade,
  status: NodeOpUpgradeStatus,
) {
  const api = yield* KubeApi;
  const caches = yield* Caches;
  const { name, namespace, uid, resourceVersion } = upgrade.metadata;
  const stored = yield* api.patch(
    NodeOpUpgradeResource,
    { name, namespace },
    {
      metadata: { uid, resourceVersion },
      status: mergePatchBetween(upgrade.status ?? {}, status) ?? {},
    },
    { subresource: "status" },
  );
  caches.upgrades.observe(stored);
});
