/** The edge while its log is away and the disk of its spool is full: really, by the kernel's word. */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEdgeWorld, type EdgeWorld, readiness } from "./testing/edgeOnPostgres.ts";
import type { EdgeProcess } from "./testing/edgeProcess.ts";
import { faultPlan, randomOf } from "./testing/faultPlan.ts";
import { FaultyProxy } from "./testing/faultyProxy.ts";
import { Load } from "./testing/load.ts";
import { sampleOf } from "./testing/metricsText.ts";
import { canMount, limitFileSizes, mountSmallDisk, type SmallDisk } from "./testing/smallDisk.ts";
import { readSpoolFiles } from "./testing/spoolFiles.ts";
import { storedEventIds } from "./testing/storedRecords.ts";

const WAIT = { timeout: 120_000, interval: 50 };

// Never left out in silence: where nothing can be mounted, the title says what stands in for it.
const disks = (await canMount())
  ? [
      { title: "a full file system", createDisk: mountSmallDisk },
      { title: "a file size limit", createDisk: limitFileSizes },
    ]
  : [{ title: "a file size limit (no right to MOUNT here)", createDisk: limitFileSizes }];

describe.each(disks)("$title under the spool", ({ createDisk }) => {
  let disk: SmallDisk;
  let spoolDir: string;
  let world: EdgeWorld;
  let proxy: FaultyProxy;
  let edge: EdgeProcess;
  let load: Load;
  const acked = new Set<string>();

  const start = () =>
    world.start({
      ...{ DATABASE_URL: proxy.url, SPOOL_DIR: spoolDir, SPOOL_AFTER_MS: "50" },
      LOG_LEVEL: "info",
    });

  beforeEach(async () => {
    disk = await createDisk();
    spoolDir = join(disk.folder, "s");
    world = await createEdgeWorld();
    proxy = await FaultyProxy.before(world.database.url);
    edge = await start();
    const isWell = { status: 200, body: { checks: { log: "ok" } } };
    await expect.poll(() => readiness(edge), WAIT).toMatchObject(isWell);
    load = startLoad("before");
    await expect.poll(() => load.acked.size, WAIT).toBeGreaterThan(50);
  });
  afterEach(async () => {
    await load.stop();
    await world.end();
    await proxy.close();
    await disk.remove();
  });

  function startLoad(name: string): Load {
    const random = randomOf(faultPlan.seed);
    // Large enough to fill a small disk in seconds.
    return new Load(edge.url, { name, random, senders: 4, batchEventsMax: 400 });
  }

  async function stopLoad(): Promise<void> {
    await load.stop();
    for (const id of load.acked) acked.add(id);
  }

  it("means 503 with Retry-After, nothing half-written, and no hands once there is space", async () => {
    proxy.weather = "cut";
    await expect.poll(() => load.acked.size, WAIT).toBeGreaterThan(500);
    if (edge.child.pid === undefined) throw new Error("The edge has no process id");
    await disk.fillFor(edge.child.pid);
    const refusals = () => load.answers.filter(({ status }) => status === 503);
    await expect.poll(() => refusals().length, WAIT).toBeGreaterThan(20);
    await expect.poll(() => readiness(edge), WAIT).toMatchObject({ status: 503 });
    await stopLoad();
    for (const { retryAfter } of refusals()) expect(Number(retryAfter)).toBeGreaterThan(0);
    expect([...load.statuses()].sort()).toEqual([202, 503]);
    // Every byte on the disk belongs to a whole block, and every acked event that is not in the log
    // is in one of them.
    const onDisk = await readSpoolFiles(spoolDir);
    expect(onDisk).toMatchObject({ tornBytes: 0, damagedBytes: 0 });
    const stored = await storedEventIds(world.log, "clicks.raw");
    const safe = new Set([...stored, ...onDisk.eventIds]);
    expect([...acked].filter((id) => !safe.has(id))).toEqual([]);

    // Space returns, the log does not: it takes again, by itself.
    await disk.giveSpaceTo(edge.child.pid);
    load = startLoad("after");
    await expect.poll(() => load.acked.size, WAIT).toBeGreaterThan(500);
    await expect.poll(() => readiness(edge), WAIT).toMatchObject({ status: 200 });
    await stopLoad();
    proxy.weather = "fair";
    const spooled = async () => {
      const text = await (await fetch(`${edge.url}/metrics`)).text();
      return sampleOf(text, "trueclick_edge_spool_records");
    };
    await expect.poll(spooled, WAIT).toBe(0);
    const all = await storedEventIds(world.log, "clicks.raw");
    expect([...acked].filter((id) => !all.has(id))).toEqual([]);
    expect((await readSpoolFiles(spoolDir)).names).toEqual([]);
  });
});
