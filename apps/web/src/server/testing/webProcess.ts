/** The web app as a process of its own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { WEB_URL } from "./ownServer.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const BUILD = fileURLToPath(new URL("../../../../../scripts/buildWeb.mjs", import.meta.url));
/** What an earlier start left of compiled code. */
export const COMPILED = fileURLToPath(
  new URL("../../../../../node_modules/.cache/trueclick/compiled", import.meta.url),
);
/** So that a test can see what becomes of a process in which something throws. */
const THROW_WHEN_TOLD = `data:text/javascript,process.on("SIGUSR2",()=>{throw new Error("unheard")})`;

/** Builds pages, where their build is of other sources. */
export function buildPages(): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BUILD], { encoding: "utf8" });
  if (status !== 0) throw new Error(`pages could not be built: ${stdout}${stderr}`);
}

export class WebProcess {
  /** What it said, line by line. */
  readonly lines: string[] = [];
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  readonly #child: ChildProcess;
  readonly #listening: Promise<string>;
  readonly #setListening: (url: string) => void;

  constructor(settings: Readonly<Record<string, string>>) {
    const { promise, resolve } = Promise.withResolvers<string>();
    [this.#listening, this.#setListening] = [promise, resolve];
    const { PATH = "" } = process.env;
    const flags = ["--disable-warning=ExperimentalWarning", "--import", THROW_WHEN_TOLD];
    this.#child = spawn(process.execPath, [...flags, MAIN], {
      env: { PATH, NODE_ENV: "production", ...settings },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface(stream).on("line", (line) => this.#take(line));
    }
    this.ended = once(this.#child, "close").then(([code, signal]) => code ?? signal);
  }

  #take(line: string): void {
    this.lines.push(line);
    if (line.includes('"listening"')) this.#setListening(JSON.parse(line).message);
  }

  /** Where it listens, once it does. @throws {Error} with what it said, where it ended instead. */
  async url(): Promise<string> {
    return Promise.race([this.#listening, this.ended.then(() => this.#fail())]);
  }

  #fail(): never {
    throw new Error(`it ended before it listened: ${this.lines.join("\n")}`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }
}

/** Settings of a process on some stores, on a free port. */
export const settingsOn = (urls: Readonly<Record<string, string>>) => ({
  ...urls,
  BETTER_AUTH_SECRET: "a secret of nobody, for this test",
  WEB_URL,
  WEB_PORT: "0",
});
