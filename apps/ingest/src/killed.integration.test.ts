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

const WAIT = { timeout: 60_000, interval: 50 };
/** From the start of the load to the kill, at most, milliseconds. */
const ALIVE_MAX_MS = 220;
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
        for (let left = random() * ALIVE_MAX_MS; left > 0; ) {
          const stepMs = Math.min(left, 20 + random() * 100);
          await wait(stepMs);
          left -= stepMs;
          proxy.weather = WEATHERS[Math.floor(random() * WEATHERS.length)] ?? "fair";
        }
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
