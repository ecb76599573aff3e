import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Block } from "../../domain/blocks.ts";
import { SpoolUnavailableError } from "../../ports/spool.ts";
import { FailingFolder } from "../../testing/failingFolder.ts";
import { SegmentSpool } from "./segmentSpool.ts";
import { openSpoolFolder } from "./spoolFolder.ts";

const MIB = 1_048_576;
const BYTES_MAX = 8 * MIB;

let path: string;
let folder: FailingFolder;
let nowMs: number;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "trueclick-spool-"));
  folder = new FailingFolder(await openSpoolFolder(path));
  nowMs = 1_000;
});
afterEach(async () => {
  for (const spool of opened.splice(0)) await spool.close();
  await rm(path, { recursive: true, force: true });
});

const opened: SegmentSpool[] = [];

async function open(): Promise<SegmentSpool> {
  const spool = await SegmentSpool.open(folder, { bytesMax: BYTES_MAX, nowMs: () => nowMs });
  opened.push(spool);
  return spool;
}

function block(text: string, bytes = text.length): Block {
  return { partition: 1, partitionCount: 4, value: Buffer.from(text.padEnd(bytes, ".")) };
}

/** Takes everything out, oldest first. */
async function drain(spool: SegmentSpool): Promise<string[]> {
  const texts: string[] = [];
  for (;;) {
    const blocks = await spool.peek();
    if (blocks.length === 0) return texts;
    texts.push(...blocks.map(({ value }) => value.toString().replace(/\.+$/, "")));
    await spool.release();
  }
}

const settle = (append: Promise<void>) =>
  append.then(
    () => true,
    (error: unknown) => {
      expect(error).toBeInstanceOf(SpoolUnavailableError);
      return false;
    },
  );

describe("the spool", () => {
  it("gives back blocks whole and in order, over several files", async () => {
    const spool = await open();
    const names = Array.from({ length: 30 }, (_, index) => `b${index}`);
    for (const name of names) await spool.append([block(name, 100_000)]);
    expect((await readdir(path)).length).toBeGreaterThan(2);
    expect(spool.stats()).toMatchObject({ records: 30, spooledRecords: 30 });
    expect(await drain(spool)).toEqual(names);
    expect(spool.stats()).toMatchObject({ bytes: 0, records: 0, drainedRecords: 30 });
    expect(await readdir(path)).toEqual([]);
  });

  it("writes what comes at once together, and keeps the order", async () => {
    const spool = await open();
    const names = Array.from({ length: 200 }, (_, index) => `b${index}`);
    await Promise.all(names.map((name) => spool.append([block(name)])));
    expect(await drain(spool)).toEqual(names);
  });

  it("gives the same blocks until they are released, and adds none to them", async () => {
    const spool = await open();
    await spool.append([block("a")]);
    expect(await spool.peek()).toHaveLength(1);
    await spool.append([block("b")]);
    expect(await spool.peek()).toHaveLength(1);
    await spool.release();
    await spool.release();
    expect(await drain(spool)).toEqual(["b"]);
  });

  it("takes over what a killed process left, without the frame that its death tore", async () => {
    const killed = await open();
    await killed.append([block("a"), block("b")]);
    const [name = ""] = await readdir(path);
    await appendFile(join(path, name), Buffer.from([0xff, 0x54, 0x43, 0x31, 0, 0, 0, 9, 1]));
    const next = await open();
    expect(next.stats()).toMatchObject({ records: 2, tornBytes: 9, damagedBytes: 0 });
    await next.append([block("c")]);
    expect(await drain(next)).toEqual(["a", "b", "c"]);
    expect(await readdir(path)).toEqual([]);
  });

  it("drains a damaged file as far as it goes, and keeps it for a person to see", async () => {
    const killed = await open();
    await killed.append([block("a"), block("b"), block("c")]);
    const [name = ""] = await readdir(path);
    const bytes = await readFile(join(path, name));
    bytes.writeUInt8(0x78, bytes.indexOf("b"));
    await writeFile(join(path, name), bytes);
    const next = await open();
    expect(next.stats()).toMatchObject({ records: 2, tornBytes: 0, damagedBytes: 21 });
    expect(await drain(next)).toEqual(["a", "c"]);
    expect(await readdir(path)).toEqual([`${name}.aside`]);
    // It goes on taking room, and no later process drains it again or gives its number anew.
    const last = await open();
    expect(last.stats()).toMatchObject({ records: 0, bytes: bytes.length, filesAside: 1 });
    await last.append([block("d")]);
    expect(await drain(last)).toEqual(["d"]);
  });

  it("tells when the disk gives back less than it took, while it runs", async () => {
    const spool = await open();
    await spool.append([block("a"), block("b")]);
    const [name = ""] = await readdir(path);
    await truncate(join(path, name), 21);
    expect(await drain(spool)).toEqual(["a"]);
    expect(spool.stats()).toMatchObject({ damagedBytes: 21, filesAside: 1, drainedRecords: 1 });
  });

  it.each([
    ["at the start", true],
    ["while it runs", false],
  ])("sets aside what cannot be read %s, and drains what is behind it", async (_when, atStart) => {
    const first = await open();
    await first.append([block("a")]);
    const [name = ""] = await readdir(path);
    folder.unreadable.add(name);
    const spool = atStart ? await open() : first;
    if (!atStart) await expect(spool.peek()).rejects.toThrow(SpoolUnavailableError);
    await spool.append([block("b")]);
    for (let tries = atStart ? 0 : 1; tries < 5; tries += 1) {
      await expect(spool.peek()).rejects.toThrow(SpoolUnavailableError);
    }
    expect(await drain(spool)).toEqual(["b"]);
    expect(spool.stats()).toMatchObject({ records: 0, bytes: 21, filesAside: 1 });
    expect(await readdir(path)).toEqual([`${name}.aside`]);
  });

  it("goes on where a file could be read again in time", async () => {
    const spool = await open();
    await spool.append([block("a")]);
    const [name = ""] = await readdir(path);
    folder.unreadable.add(name);
    await expect(spool.peek()).rejects.toThrow(SpoolUnavailableError);
    folder.unreadable.clear();
    expect(await drain(spool)).toEqual(["a"]);
  });

  // The disk was remounted read-only: to drain the same file for ever would flood the log.
  it("gives drained blocks once, even while their file cannot be removed", async () => {
    const spool = await open();
    await spool.append([block("a")]);
    await spool.peek();
    folder.isReadOnly = true;
    await spool.release();
    expect(await spool.peek()).toEqual([]);
    expect(spool.stats()).toMatchObject({ records: 0, bytes: 21, filesUnremoved: 1 });
    expect(await settle(spool.append([block("b")]))).toBe(false);
    folder.isReadOnly = false;
    await spool.append([block("c")]);
    expect(await drain(spool)).toEqual(["c"]);
    expect(spool.stats()).toMatchObject({ bytes: 0, filesUnremoved: 0 });
    expect(await readdir(path)).toEqual([]);
  });

  it("refuses beyond its size, and takes again what fits once some is drained", async () => {
    const spool = await open();
    const big = () => spool.append([block("big", MIB)]);
    for (let kept = 0; kept < 7; kept += 1) await big();
    expect(await settle(big())).toBe(false);
    expect(spool.stats()).toMatchObject({ records: 7, failedAppends: 1 });
    await spool.peek();
    await spool.release();
    expect(await settle(big())).toBe(true);
  });

  it.each([false, true])("takes a full disk back to the last whole block (%s)", async (fails) => {
    const spool = await open();
    await spool.append([block("a")]);
    folder.freeBytes = 40;
    folder.failsToTruncate = fails;
    expect(await settle(spool.append([block("b", 100)]))).toBe(false);
    expect(spool.canTake()).toBe(false);
    folder.freeBytes = Number.POSITIVE_INFINITY;
    folder.failsToTruncate = false;
    nowMs += 10_000;
    expect(spool.canTake()).toBe(true);
    await spool.append([block("c")]);
    expect(await drain(await open())).toEqual(["a", "c"]);
  });

  it("leaves no file behind where nothing could be written", async () => {
    const spool = await open();
    folder.freeBytes = 0;
    expect(await settle(spool.append([block("a")]))).toBe(false);
    expect(await readdir(path)).toEqual([]);
    expect(spool.stats()).toMatchObject({ bytes: 0, records: 0, failedAppends: 1 });
  });

  it("takes nothing once closed, after what was under way", async () => {
    const spool = await open();
    const underWay = spool.append([block("a")]);
    const closed = spool.close();
    expect(await settle(spool.append([block("b")]))).toBe(false);
    await Promise.all([underWay, closed]);
    expect(await drain(await open())).toEqual(["a"]);
  });
});

/** A spool under random treatment, beside what must come out of it. */
class Run {
  #spool: SegmentSpool;
  #next = 0;
  readonly acked: string[] = [];
  readonly out: string[] = [];

  constructor(spool: SegmentSpool) {
    this.#spool = spool;
  }

  async append(blocks: number, freeBytes: number | null): Promise<void> {
    folder.freeBytes = freeBytes ?? Number.POSITIVE_INFINITY;
    const names = Array.from({ length: blocks }, () => `b${this.#next++}`);
    const append = this.#spool.append(names.map((name) => block(name, 60)));
    if (await settle(append)) this.acked.push(...names);
  }

  async drainOne(): Promise<void> {
    const blocks = await this.#spool.peek();
    this.out.push(...blocks.map(({ value }) => value.toString().replace(/\.+$/, "")));
    await this.#spool.release();
  }

  /** All that was acked is synced, so closing the file tells the next process nothing more. */
  async crash(torn: Uint8Array): Promise<void> {
    await this.#spool.close();
    const last = (await readdir(path)).sort().at(-1);
    if (last !== undefined) await appendFile(join(path, last), torn);
    this.#spool = await open();
  }

  async end(): Promise<void> {
    this.out.push(...(await drain(this.#spool)));
    await this.#spool.close();
  }
}

const step = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 4 }), fc.option(fc.nat(300))).map(
    ([blocks, freeBytes]) =>
      (run: Run) =>
        run.append(blocks, freeBytes),
  ),
  fc.constant((run: Run) => run.drainOne()),
  fc.uint8Array({ maxLength: 30 }).map((torn) => (run: Run) => run.crash(torn)),
);

// I1 for the spool alone: whatever fails and whenever the process ends, what was acked comes out,
// in the order of the acks.
it("loses no acked block to full disks, torn tails and crashes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), async (steps, fails) => {
      folder.failsToTruncate = fails;
      const run = new Run(await open());
      for (const take of steps) await take(run);
      await run.end();
      // Blocks that were refused may come out too, where the disk would not take them back.
      const acked = new Set(run.acked);
      expect(run.out.filter((name) => acked.has(name))).toEqual(run.acked);
      if (!fails) expect(run.out).toHaveLength(run.acked.length);
    }),
    { numRuns: 60 },
  );
});
