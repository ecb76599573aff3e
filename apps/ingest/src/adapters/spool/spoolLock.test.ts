import { mkdtemp, rm, writeFile } from "node:fs/promises";
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

it("takes over the lock of a process that was killed", async () => {
  await writeFile(join(path, "lock"), "");
  await (await lockSpoolFolder(path))();
});

it("refuses a folder whose path no socket can have", async () => {
  await expect(lockSpoolFolder(join(path, "x".repeat(120)))).rejects.toThrow(SpoolUnavailableError);
});
