import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DATA_NAMES, type DataDir } from "../stack/dataDir.ts";
import { createChildRegister, endOrphans } from "./childRegister.ts";
import { findProcess } from "./processIdentity.ts";
import { AlreadyRunningError, takeStartLock } from "./startLock.ts";

const URLS = { webUrl: "http://127.0.0.1:3000", ingestUrl: "http://127.0.0.1:4000" };
let path: string;
let data: DataDir;

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "trueclick-lock-"));
  data = { path, file: (name) => join(path, DATA_NAMES[name]) };
});
afterEach(() => rm(path, { recursive: true, force: true }));

async function leaveLock(holder: object): Promise<void> {
  await writeFile(data.file("lock"), JSON.stringify({ ...URLS, nonce: "old", ...holder }));
}

describe("the start lock", () => {
  // Two stacks on one folder would write the same log.
  it("is held by one only, and the other is told where that one is", async () => {
    const lock = await takeStartLock(data, URLS);
    await expect(takeStartLock(data, URLS)).rejects.toThrow(AlreadyRunningError);
    await expect(takeStartLock(data, URLS)).rejects.toThrow(/127\.0\.0\.1:3000/);
    await lock.release();
    await (await takeStartLock(data, URLS)).release();
  });

  it("is taken over from a process that is gone", async () => {
    await leaveLock({ pid: 2 ** 22 - 1, startedAt: "long ago" });
    expect(await takeStartLock(data, URLS)).toMatchObject({ tookOver: true });
  });

  // After kill -9, the id in the lock may soon be a stranger's.
  it("is taken over when the holder's process id is somebody else's now", async () => {
    await leaveLock({ pid: process.pid, startedAt: "before this process" });
    expect(await takeStartLock(data, URLS)).toMatchObject({ tookOver: true });
  });

  it("is taken over when a power cut left half of it", async () => {
    await writeFile(data.file("lock"), '{"pid": 12');
    expect(await takeStartLock(data, URLS)).toMatchObject({ tookOver: true });
  });

  it("goes to exactly one of many that find it stale at the same time", async () => {
    await leaveLock({ pid: 2 ** 22 - 1, startedAt: "long ago" });
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, () => takeStartLock(data, URLS)),
    );
    expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await readdir(path)).toEqual([DATA_NAMES.lock]);
  });

  it("is not removed by one who lost it", async () => {
    const lock = await takeStartLock(data, URLS);
    await leaveLock({ pid: process.pid, startedAt: "another" });
    await lock.release();
    expect(existsSync(data.file("lock"))).toBe(true);
  });
});

describe("what a killed start left", () => {
  // A program that is stuck hears no request to end.
  it("is ended by the next, by force if need be", async () => {
    const script =
      'process.on("SIGTERM", () => {}); process.stdout.write("up"); setInterval(() => {}, 60_000)';
    const orphan = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      await once(orphan.stdout, "data");
      await createChildRegister(data).note("orphan", orphan.pid ?? 0);
      expect(await endOrphans(data, 50)).toEqual(["orphan"]);
      expect(await findProcess(orphan.pid ?? 0)).toBeNull();
    } finally {
      orphan.kill("SIGKILL");
    }
  });

  // A stranger that got the id of a dead child must live.
  it("is told from a stranger with the same process id", async () => {
    const stranger = { pid: process.pid, startedAt: "other" };
    await writeFile(data.file("children"), JSON.stringify({ gone: stranger }));
    expect(await endOrphans(data)).toEqual([]);
  });
});
