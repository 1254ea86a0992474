/** Commands that documents show with their output print that output. `vitest run test/docs -u` writes the new output. */
import { basename, join, relative } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import { run } from "./commandLine.ts";
import { document, type Document, documents, ROOT } from "./documents.ts";

/** A fenced block that begins with a command; what follows is what the command prints. */
const TRANSCRIPT = /^```console\n\$ (.+)\n([\s\S]*?)^```$/gmu;

/** Running the tests inside of a test would not end; what is shown of them is checked on its own. */
const ALL_TESTS = "npm test";

/** What a terminal shows, but for how long it took on this machine. */
const printedBy = async (command: string): Promise<string> => {
  const { stdout, stderr } = await run(command);
  const shown = stdout + stderr.replaceAll(/^simulated in .*\n/gmu, "");
  return shown === "" || shown.endsWith("\n") ? shown : `${shown}\n`;
};

const transcripts = ({ text }: Document) =>
  [...text.matchAll(TRANSCRIPT)].map(([, command, output]) => ({
    command: command!,
    output: output!,
  }));

/** The document with the output of today in every transcript. */
const rerun = async (shown: Document): Promise<string> => {
  const commands = transcripts(shown)
    .map(({ command }) => command)
    .filter((command) => command !== ALL_TESTS);
  const outputs = new Map(
    await Promise.all(
      commands.map(async (command) => [command, await printedBy(command)] as const),
    ),
  );
  return shown.text.replaceAll(TRANSCRIPT, (block: string, command: string) => {
    const output = outputs.get(command);
    return output === undefined ? block : `\`\`\`console\n$ ${command}\n${output}\`\`\``;
  });
};

describe("transcripts", () => {
  const shown = documents().filter((candidate) => transcripts(candidate).length > 0);

  it.each(shown.map(({ path }) => path))(
    "%s shows what its commands print now",
    { timeout: 60_000 },
    async (path) => {
      await expect(await rerun(document(path))).toMatchFileSnapshot(
        relative(import.meta.dirname, join(ROOT, path)),
      );
    },
  );

  it("the README shows the two commands, and a simulation with a fault", () => {
    const commands = transcripts(document("README.md")).map(({ command }) => command);
    expect(commands).toEqual(
      expect.arrayContaining(["npm start", "npm test", expect.stringContaining("--fault")]),
    );
  });

  it("the README shows tests that all pass, and the closing line of the reporter", () => {
    const all = transcripts(document("README.md")).find(({ command }) => command === ALL_TESTS);
    expect(all?.output).toMatch(/^\d+ passed, 0 failed$/mu);
  });

  it("the program that npx starts in this repository is the one that transcripts run", () => {
    const bin = (JSON.parse(document("package.json").text) as { bin: { nodeop: string } }).bin
      .nodeop;
    expect(basename(bin)).toBe("nodeop.mjs");
    expect(document(bin).text).toContain('path("../src/programs/main.ts"), ...args');
  });
});
