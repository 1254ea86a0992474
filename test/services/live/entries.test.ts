import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";

/** Loads an entry in a process of its own, and says which packages below node_modules were loaded with it. */
const packagesOf = (entry: string): ReadonlyArray<string> => {
  const script = `
    import { registerHooks } from "node:module";
    const seen = new Set();
    registerHooks({ load: (url, context, next) => {
      const found = /\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/u.exec(url);
      if (found) seen.add(found[1]);
      return next(url, context);
    } });
    await import(${JSON.stringify(new URL(`../../../${entry}`, import.meta.url).href)});
    console.log(JSON.stringify([...seen]));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", script],
    { encoding: "utf8" },
  );
  expect(stderr).toBe("");
  return JSON.parse(stdout) as ReadonlyArray<string>;
};

describe("client-node takes a third of a second to load, so it is loaded only where a cluster is asked for", () => {
  it.each(["src/index.ts", "src/programs/main.ts", "src/live.ts"])("not with %s", (entry) => {
    const packages = packagesOf(entry);
    expect(packages).toContain("effect");
    expect(packages.filter((name) => name.startsWith("@kubernetes/"))).toEqual([]);
  });
});
