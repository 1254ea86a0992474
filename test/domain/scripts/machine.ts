/** A machine to run the scripts on: a host's root, an image's release files and stubs for what the image brings. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** The shells of Kairos images, as far as they are here: dash or another as /bin/sh, and bash as a POSIX shell. */
export const SHELLS: ReadonlyArray<ReadonlyArray<string>> = [
  ["/bin/sh"],
  ["/bin/bash", "--norc", "--posix"],
].filter(([shell = ""]) => existsSync(shell));

/** How a script ended and what it wrote. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One temporary directory that plays host and image. */
export class Machine implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "nodeop-script-"));
  readonly #shell: ReadonlyArray<string>;
  readonly env: Record<string, string>;

  constructor(shell: ReadonlyArray<string>) {
    this.#shell = shell;
    this.env = {
      PATH: `${this.path("bin")}:/usr/bin:/bin`,
      LOG: this.path("log"),
      HOST_DIR: this.path("host"),
      TERMINATION_LOG: this.path("termination-log"),
      TARGET_KAIROS_RELEASE: this.path("image/etc/kairos-release"),
      TARGET_OS_RELEASE: this.path("image/etc/os-release"),
    };
    for (const folder of ["bin", "host/etc", "host/dev", "host/run", "image/etc"]) {
      mkdirSync(this.path(folder), { recursive: true });
    }
    this.write("log", "");
    this.write("termination-log", "");
  }

  path(name: string): string {
    return join(this.root, name);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  /** Every file under a folder with its text, folders with none. */
  files(folder: string): Readonly<Record<string, string>> {
    const entries = readdirSync(this.path(folder), { recursive: true, withFileTypes: true });
    return Object.fromEntries(
      entries.map((entry) => {
        const name = join(entry.parentPath, entry.name);
        return [name, entry.isFile() ? readFileSync(name, "utf8") : ""];
      }),
    );
  }

  /** A program on PATH; it may append to $LOG. */
  program(name: string, body: string): void {
    this.write(`bin/${name}`, `#!/bin/sh\n${body}\n`);
    chmodSync(this.path(`bin/${name}`), 0o755);
  }

  /** What the programs were called with: one call per element, its arguments as they arrived. */
  get calls(): ReadonlyArray<ReadonlyArray<string>> {
    return this.read("log")
      .split("\u0002")
      .slice(0, -1)
      .map((call) => call.split("\u0001").slice(0, -1));
  }

  run(script: string): Run {
    const [shell = "", ...options] = this.#shell;
    const { status, stdout, stderr } = spawnSync(shell, [...options, "-c", script], {
      env: this.env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      cwd: this.path("image"),
      timeout: 20_000,
    });
    return { code: status, stdout, stderr };
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Shell that appends the program's name and arguments to $LOG so that `Machine.calls` reads them exactly. */
export const record = (name: string): string =>
  `{ printf '%s\\001' ${name} "$@"; printf '\\002'; } >>"$LOG"`;

/** A release file with the version v3.4.<patch> and the given Kubernetes. */
export const release = (version: string, kubernetes = "v1.30.11+k3s1"): string =>
  [
    'KAIROS_ID="kairos"',
    `KAIROS_VERSION="${version}"`,
    `KAIROS_SOFTWARE_VERSION="${kubernetes}"`,
    'KAIROS_SOFTWARE_VERSION_PREFIX="k3s"',
    "",
  ].join("\n");
