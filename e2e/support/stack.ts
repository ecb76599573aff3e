/** A whole stack of processes, started by the product's own command in a data folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onFreePorts } from "@trueclick/local-stack/ports";
import { z } from "zod";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CLI = join(ROOT, "apps/cli/src/main.ts");
const READY_WITHIN_MS = 280_000;
/** A stranger on the port may take what is sent and never answer. */
const ANSWER_WITHIN_MS = 15_000;
const STOPPED_WITHIN_MS = 30_000;
const POLL_MS = 25;

/** Where the journeys find the data folder of the stack that was started for them. */
export const DATA_DIR_VARIABLE = "TRUECLICK_E2E_DATA";

const demoFile = z.object({
  webUrl: z.string(),
  ingestUrl: z.string(),
  logins: z.array(z.object({ email: z.string(), password: z.string(), role: z.string() })),
  ingestKey: z.string(),
  apiKeys: z.object({
    engineer: z.string(),
    accountManager: z.string(),
    advertiser: z.string(),
  }),
});
export type DemoFile = z.infer<typeof demoFile>;

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Stack {
  readonly dataDir: string;
  readonly demo: DemoFile;
  /** Runs `trueclick <args>` against this stack. */
  cli(...args: string[]): Promise<CliResult>;
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly args?: readonly string[];
  /** Added to the environment of the start command. */
  readonly env?: Readonly<Record<string, string>>;
}

const PORT_NAMES = ["WEB_PORT", "INGEST_PORT", "POSTGRES_PORT", "CLICKHOUSE_PORT"] as const;
type Ports = Readonly<Record<(typeof PORT_NAMES)[number], number>>;

/** Starts everything and waits until the web app says that it is healthy. */
export function startStack(options: StackOptions = {}): Promise<Stack> {
  return onFreePorts(PORT_NAMES, (ports) => startOnPorts(ports, options));
}

async function startOnPorts(ports: Ports, { args = [], env = {} }: StackOptions): Promise<Stack> {
  const dataDir = mkdtempSync(join(tmpdir(), "trueclick-e2e-"));
  const portsOfStart = Object.entries(ports).map(([name, port]) => [name, String(port)]);
  const settings = {
    ...{ ...process.env, TRUECLICK_DATA: dataDir },
    ...Object.fromEntries(portsOfStart),
    ...env,
  };
  const child = spawn(process.execPath, [CLI, "start", "--no-demo", ...args], {
    cwd: ROOT,
    env: settings,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = collect(child);
  try {
    const demo = await ready(child, dataDir, `http://127.0.0.1:${ports.WEB_PORT}`, said);
    return {
      dataDir,
      demo,
      cli: (...cliArgs) => run(cliArgs, settings),
      stop: async () => {
        await stop(child);
        rmSync(dataDir, { recursive: true, force: true });
      },
    };
  } catch (cause) {
    await stop(child);
    rmSync(dataDir, { recursive: true, force: true });
    throw new Error(`the stack did not start; it said:\n${said()}`, { cause });
  }
}

/** Once the web app is healthy, all else has to be there: that is what a script may wait for. */
async function ready(
  child: ChildProcess,
  dataDir: string,
  webUrl: string,
  said: () => string,
): Promise<DemoFile> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`start ended with ${child.exitCode}: ${said()}`);
    if (await answers(`${webUrl}/api/health`)) {
      const demo = readDemo(dataDir);
      if (demo === null) throw new Error("healthy, and there is no demo.json");
      if (await answers(`${demo.ingestUrl}/readyz`)) return demo;
      throw new Error("healthy, and the edge is not ready");
    }
    await pause(POLL_MS);
  }
  throw new Error(`not ready within ${READY_WITHIN_MS} ms`);
}

export function readDemo(dataDir: string): DemoFile | null {
  try {
    return demoFile.parse(JSON.parse(readFileSync(join(dataDir, "demo.json"), "utf8")));
  } catch {
    return null;
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    return (await fetch(url, { signal })).status === 200;
  } catch {
    return false;
  }
}

/** Runs `trueclick <args>` against the stack of the journeys. */
export function runCli(...args: string[]): Promise<CliResult> {
  const dataDir = process.env[DATA_DIR_VARIABLE];
  return run(args, {
    ...process.env,
    ...(dataDir === undefined ? {} : { TRUECLICK_DATA: dataDir }),
  });
}

function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<CliResult> {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd: ROOT,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString("utf8");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8");
  });
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), STOPPED_WITHIN_MS);
  await ended;
  clearTimeout(force);
}

function collect(child: ChildProcess): () => string {
  const chunks: string[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk.toString("utf8")));
  child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk.toString("utf8")));
  return () => chunks.join("");
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
