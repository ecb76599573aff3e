/** I1 through kill -9 at moments that a seed chose, the network to the log as bad as it gets. */
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createEdgeWorld, type EdgeWorld } from "./testing/edgeOnPostgres.ts";
import type { EdgeProcess } from "./testing/edgeProcess.ts";
import { faultPlan, withSeed } from "./testing/faultPlan.ts";
import { FaultyProxy, type Weather } from "./testing/faultyProxy.ts";
import { Load } from "./testing/load.ts";
import { sampleOf } from "./testing/metricsText.ts";
import { readSpoolFiles } from "./testing/spoolFiles.ts";
import { storedEventIds } from "./testing/storedRecords.ts";

const WAIT = { timeout: 120_000, interval: 50 };
/** From the start of the load to the kill, at most, milliseconds. */
const ALIVE_MAX_MS = 220;
/**
 * Every second edge lives on until it has acked as many events as chance chose, up to this: else a slow
 * machine would have nothing but edges that were killed before they acked anything.
 */
const ACKED_MAX = 60;
const WEATHERS: readonly Weather[] = ["fair", "fair", { delayMs: 30 }, "silent", "cut"];

let world: EdgeWorld;
let proxy: FaultyProxy;
beforeAll(async () => {
  world = await createEdgeWorld();
  proxy = await FaultyProxy.before(world.database.url);
});
afterAll(async () => {
  await proxy?.close();
  await world?.end();
});

const spoolDir = () => join(world.folder, "spool");

function start(): Promise<EdgeProcess> {
  const spool = { SPOOL_DIR: spoolDir(), SPOOL_AFTER_MS: "40" };
  return world.start({ DATABASE_URL: proxy.url, ...spool, LOG_LEVEL: "info" });
}

/** Waits for a time that chance chose, and on until so many events are acked. The weather changes. */
async function letLive(load: Load, random: () => number, ackedMin: number): Promise<void> {
  const giveUpAtMs = performance.now() + WAIT.timeout;
  let leftMs = random() * ALIVE_MAX_MS;
  while (leftMs > 0 || load.acked.size < ackedMin) {
    const stepMs = 20 + random() * 100;
    await wait(leftMs > 0 ? Math.min(leftMs, stepMs) : stepMs);
    leftMs -= stepMs;
    proxy.weather = WEATHERS[Math.floor(random() * WEATHERS.length)] ?? "fair";
    expect(performance.now(), "an edge acked too little").toBeLessThan(giveUpAtMs);
  }
}

it(
  "loses no acked event to kill -9, a hundred times, and drains by itself afterwards",
  () =>
    withSeed(async (random) => {
      const acked = new Set<string>();
      const seen = { spooled: 0, kills: 0 };
      const untilMs = performance.now() + faultPlan.killingMs;
      while (seen.kills < faultPlan.killsMin || performance.now() < untilMs) {
        proxy.weather = "fair";
        const edge = await start();
        const name = `kill.${seen.kills}`;
        const load = new Load(edge.url, { name, senders: 3, random, batchEventsMax: 8 });
        await letLive(load, random, seen.kills % 2 === 0 ? 0 : random() * ACKED_MAX);
        await edge.end("SIGKILL");
        await load.stop();
        expect([...load.statuses()].filter((status) => ![202, 503].includes(status))).toEqual([]);
        for (const id of load.acked) acked.add(id);
        seen.spooled += (await readSpoolFiles(spoolDir())).eventIds.length > 0 ? 1 : 0;
        seen.kills += 1;
      }

      proxy.weather = "fair";
      const last = await start();
      const records = async () => {
        const text = await (await fetch(`${last.url}/metrics`)).text();
        return sampleOf(text, "trueclick_edge_spool_records");
      };
      await expect.poll(records, WAIT).toBe(0);
      const stored = await storedEventIds(world.log, "clicks.raw");
      expect([...acked].filter((id) => !stored.has(id))).toEqual([]);
      expect(await readSpoolFiles(spoolDir())).toMatchObject({ names: [], damagedBytes: 0 });
      // Else it was no test: kills must have met edges that acked, and spools that held something.
      expect(acked.size).toBeGreaterThan(faultPlan.killsMin * 10);
      expect(seen.spooled).toBeGreaterThan(faultPlan.killsMin / 10);
    }),
  faultPlan.timeoutMs,
);
