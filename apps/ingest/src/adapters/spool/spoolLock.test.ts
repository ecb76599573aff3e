import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { SpoolUnavailableError } from "../../ports/spool.ts";
import { lockSpoolFolder } from "./spoolLock.ts";

let path: string;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "trueclick-lock-"));
});
afterEach(() => rm(path, { recursive: true, force: true }));

it("gives a folder to one at a time", async () => {
  const unlock = await lockSpoolFolder(path);
  await expect(lockSpoolFolder(path)).rejects.toThrow(SpoolUnavailableError);
  await unlock();
  await (await lockSpoolFolder(path))();
});

it("takes over the lock of a process that was killed, and clears it away", async () => {
  await writeFile(join(path, "lock.killed"), "");
  const unlock = await lockSpoolFolder(path);
  expect(await readdir(path)).toHaveLength(1);
  await unlock();
  expect(await readdir(path)).toEqual([]);
});

// Two edges that start at once over what a killed one left: each may take it for free.
it("never gives a folder to two that come at the same time", async () => {
  for (let round = 0; round < 100; round += 1) {
    await writeFile(join(path, "lock.killed"), "");
    const tries = await Promise.allSettled([1, 2, 3].map(() => lockSpoolFolder(path)));
    const won = tries.filter((one) => one.status === "fulfilled");
    expect(won.length).toBeLessThanOrEqual(1);
    for (const one of won) await one.value();
  }
  await (await lockSpoolFolder(path))();
});

it("refuses a folder whose path no socket can have", async () => {
  await expect(lockSpoolFolder(join(path, "x".repeat(120)))).rejects.toThrow(SpoolUnavailableError);
});
