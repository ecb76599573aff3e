import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openLogFile } from "./logFile.ts";

const MIB = 1_048_576;

// A stack that runs for months must not fill the disk with its own words.
it("takes a bounded place, and keeps the newest lines", async () => {
  const dir = await mkdtemp(join(tmpdir(), "trueclick-log-"));
  const path = join(dir, "edge.log");
  for (let restart = 0; restart < 3; restart += 1) {
    const log = await openLogFile(path);
    for (let line = 0; line < 8_000; line += 1) log.write("x".repeat(1_000));
    log.write(`last of ${restart}`);
    await log.close();
    expect(log.lastLines().at(-1)).toBe(`last of ${restart}`);
  }
  expect((await readdir(dir)).sort()).toEqual(["edge.log", "edge.log.1"]);
  const sizes = await Promise.all([path, `${path}.1`].map(async (file) => (await stat(file)).size));
  expect(Math.max(...sizes)).toBeLessThan(6 * MIB);
  await rm(dir, { recursive: true });
});
