import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startClickHouse } from "../clickhouse/clickhouseProcess.ts";
import { sendSignal, supervisor } from "./boundProcess.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trueclick-bound-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const isAlive = (pid: number) => sendSignal(pid, 0);

/** Starts both engines in a program of its own, which tells their process ids. */
const STARTER = `
const [postgres, clickhouse] = await Promise.all([
  import(process.argv[1]).then(({ startEmbeddedPostgres }) => startEmbeddedPostgres({
    dataDir: process.argv[3] + "/postgres", port: 0, password: "test", log() {},
  })),
  import(process.argv[2]).then(({ startClickHouse }) => startClickHouse({
    dataDir: process.argv[3] + "/clickhouse", port: 0, log() {},
  })),
]);
console.log(postgres.pid + " " + clickhouse.pid);
`;

function startElsewhere() {
  const modules = ["../postgres/embeddedPostgres.ts", "../clickhouse/clickhouseProcess.ts"];
  const urls = modules.map((path) => new URL(path, import.meta.url).href);
  const starter = ["--input-type=module", "--eval", STARTER, ...urls, dir];
  return spawn(process.execPath, starter, { stdio: ["ignore", "pipe", "inherit"] });
}

// An engine left behind keeps its port and its data folder, and the next start finds both taken.
it("leaves no engine behind when the program that started them is killed", async () => {
  const starter = startElsewhere();
  const [line] = await once(createInterface({ input: starter.stdout }), "line");
  const pids = String(line).split(" ").map(Number);
  expect(pids.map(isAlive)).toEqual([true, true]);

  starter.kill("SIGKILL");
  await expect.poll(() => pids.map(isAlive), { timeout: 120_000 }).toEqual([false, false]);
});

// It would signal a number that may be another process's by then: numbers come round within minutes.
it("leaves nobody who would signal a server that has ended", async () => {
  const shell = spawn("/bin/sh", ["-c", supervisor("KILL"), "sh", "sleep", "0.5"], {
    detached: true,
    stdio: ["pipe", "ignore", "inherit"],
  });
  expect(await once(shell, "exit")).toEqual([0, null]);
  const all = execFileSync("ps", ["-A", "-o", "pgid=,comm="]).toString().trim().split("\n");
  const left = all
    .map((line) => line.trim().split(/\s+/))
    .filter(([id]) => Number(id) === shell.pid);
  // The reader may not have met the end of the file yet; who would act on it is gone.
  expect(left.map(([, name]) => name)).not.toContain("sh");
});

it("ends ClickHouse even when what watches over it is killed", async () => {
  const clickhouse = await startClickHouse({ dataDir: join(dir, "second"), port: 0, log() {} });
  const watcher = execFileSync("ps", ["-o", "ppid=", "-p", String(clickhouse.pid)]);
  sendSignal(Number(watcher.toString()), "SIGKILL");
  await expect.poll(() => isAlive(clickhouse.pid), { timeout: 120_000 }).toBe(false);
});
