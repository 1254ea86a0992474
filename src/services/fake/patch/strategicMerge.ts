/**
 * Strategic merge patch of built-in kinds (Kubernetes docs, "Update API objects in place using kubectl patch"): like a
 * merge patch, but lists that have a merge key are merged by it. Which lists these are comes from the `patchMergeKey`
 * tags of k8s.io/api; everything else, `tolerations` and `taints` among it, is replaced.
 */
import { asArray, copyOf, field, isObject, type JsonObject, own, sameJson } from "../json.ts";

/** Merge keys by the name of the list. `ports` has another key in Services than in containers. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: "name",
  initContainers: "name",
  ephemeralContainers: "name",
  volumes: "name",
  env: "name",
  imagePullSecrets: "name",
  secrets: "name",
  volumeMounts: "mountPath",
  volumeDevices: "devicePath",
  ports: "containerPort",
  conditions: "type",
  addresses: "type",
  ownerReferences: "uid",
  podIPs: "ip",
  hostIPs: "ip",
  hostAliases: "ip",
  topologySpreadConstraints: "topologyKey",
  resourceClaims: "name",
};
/** Lists of plain values that are merged as sets. */
const SETS: ReadonlySet<string> = new Set(["finalizers"]);

const SET_ORDER = "$setElementOrder/";
const DELETE_FROM = "$deleteFromPrimitiveList/";
const RETAIN_KEYS = "$retainKeys";

const keyOf = (list: string, entries: ReadonlyArray<unknown>): string | undefined =>
  list === "ports" && !entries.some((entry) => field(entry, "containerPort") !== undefined)
    ? "port"
    : MERGE_KEYS[list];

const directive = (patch: unknown): unknown => field(patch, "$patch");

/** Directives do not survive where an object is added whole. */
const stripped = (value: unknown): unknown => {
  if (Array.isArray(value)) return own(value.map(stripped));
  return isObject(value) ? strategicMerge({}, value) : value;
};

/** The entries that are there stay in place, new ones come first, as the server puts them. */
const mergeEntries = (
  target: ReadonlyArray<unknown>,
  patch: ReadonlyArray<unknown>,
  key: string,
): ReadonlyArray<unknown> => {
  if (patch.some((entry) => directive(entry) === "replace")) {
    return own(patch.filter((entry) => directive(entry) === undefined).map(stripped));
  }
  const byKey = new Map(patch.map((entry) => [field(entry, key), entry]));
  const kept = target.flatMap((entry) => {
    const change = byKey.get(field(entry, key));
    if (!isObject(change)) return [entry];
    return directive(change) === "delete" ? [] : [strategicMerge(entry, change)];
  });
  const present = new Set(target.map((entry) => field(entry, key)));
  const added = [...byKey]
    .filter(([id, entry]) => !present.has(id) && directive(entry) !== "delete")
    .map(([, entry]) => stripped(entry));
  return own([...added, ...kept]);
};

/** Puts the entries that `order` names into its order; the others keep their places relative to each other, behind. */
const ordered = (
  entries: ReadonlyArray<unknown>,
  order: unknown,
  key: string | undefined,
): ReadonlyArray<unknown> => {
  const wanted = asArray(order);
  if (wanted === undefined) return entries;
  const identity = (entry: unknown) => (key === undefined ? entry : field(entry, key));
  const rank = new Map(wanted.map((entry, index) => [identity(entry), index]));
  const rankOf = (entry: unknown) => rank.get(identity(entry)) ?? wanted.length;
  return own(entries.toSorted((a, b) => rankOf(a) - rankOf(b)));
};

const mergeList = (name: string, before: unknown, patch: JsonObject): unknown => {
  const target = asArray(before) ?? [];
  const change = asArray(patch[name]) ?? [];
  const order = patch[SET_ORDER + name];
  if (SETS.has(name)) {
    const removed = new Set(asArray(patch[DELETE_FROM + name]) ?? []);
    const added = change.filter((one) => !target.includes(one));
    return ordered(own([...added, ...target].filter((one) => !removed.has(one))), order, undefined);
  }
  const key = keyOf(name, [...change, ...target]);
  return key === undefined
    ? stripped(change)
    : ordered(mergeEntries(target, change, key), order, key);
};

/** The lists that a patch speaks of, also those it only orders or removes from. */
const listsIn = (patch: JsonObject): ReadonlySet<string> =>
  new Set(
    Object.keys(patch).flatMap((name) => {
      if (name.startsWith(SET_ORDER)) return [name.slice(SET_ORDER.length)];
      if (name.startsWith(DELETE_FROM)) return [name.slice(DELETE_FROM.length)];
      return Array.isArray(patch[name]) && !name.startsWith("$") ? [name] : [];
    }),
  );

/** `target` with `patch` applied. Both must be owned; so is the result, which is `target` itself when nothing changes. */
export const strategicMerge = (target: unknown, patch: JsonObject): unknown => {
  const base: JsonObject = isObject(target) ? target : {};
  if (directive(patch) === "replace") {
    const { $patch: _, ...rest } = patch;
    return stripped(own(rest));
  }
  if (directive(patch) === "delete") return own({});
  const result = copyOf(base);
  const retained = asArray(patch[RETAIN_KEYS]);
  if (retained !== undefined) {
    for (const name of Object.keys(result)) if (!retained.includes(name)) delete result[name];
  }
  for (const name of Object.keys(patch)) {
    const value = patch[name];
    if (name.startsWith("$") || Array.isArray(value)) continue;
    if (value === null) delete result[name];
    else result[name] = isObject(value) ? strategicMerge(result[name], value) : value;
  }
  for (const name of listsIn(patch)) result[name] = mergeList(name, result[name], patch);
  return sameJson(base, result) && isObject(target) ? target : own(result);
};
