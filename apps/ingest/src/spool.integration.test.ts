import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { click } from "./testing/click.ts";
import {
  allowConnections,
  createEdgeWorld,
  type EdgeWorld,
  readiness,
  SOURCE_KEY,
} from "./testing/edgeOnPostgres.ts";
import type { EdgeProcess } from "./testing/edgeProcess.ts";
import { faultPlan, randomOf } from "./testing/faultPlan.ts";

const WAIT = { timeout: 120_000, interval: 50 };

let world: EdgeWorld;
beforeEach(async () => {
  world = await createEdgeWorld();
});
afterEach(() => world.end());

const start = (change: Readonly<Record<string, string>> = {}) =>
  world.start({ SPOOL_DIR: join(world.folder, "spool"), SPOOL_AFTER_MS: "500", ...change });

function post(edge: EdgeProcess, eventIds: readonly string[]): Promise<Response> {
  return fetch(`${edge.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${SOURCE_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(eventIds.map((event_id) => click(Date.now(), { event_id }))),
  });
}

async function startReady(): Promise<EdgeProcess> {
  const edge = await start();
  await expect.poll(async () => (await post(edge, ["evt_warm_up"])).status, WAIT).toBe(202);
  return edge;
}

/** Sends batches one after another, until the edge is gone; what was acked is in `acked`. */
function sendUntilGone(edge: EdgeProcess, round: number, acked: Set<string>): Promise<unknown> {
  const send = async (sender: number) => {
    for (let batch = 0; ; batch += 1) {
      const ids = Array.from({ length: 5 }, (_, n) => `evt_${round}_${sender}_${batch}_${n}`);
      const response = await post(edge, ids);
      await response.body?.cancel();
      if (response.status === 202) for (const id of ids) acked.add(id);
    }
  };
  return Promise.allSettled(Array.from({ length: 4 }, (_, sender) => send(sender)));
}

async function spooled(edge: EdgeProcess): Promise<Map<string, number>> {
  const text = await (await fetch(`${edge.url}/metrics`)).text();
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  const prefix = "trueclick_edge_spool";
  return new Map([
    ["records", read(`${prefix}_records`)],
    ["spooled", read(`${prefix}_spooled_records_total`)],
    ["drained", read(`${prefix}_drained_records_total`)],
  ]);
}

async function lostOf(acked: ReadonlySet<string>): Promise<string[]> {
  const stored = new Set((await world.storedEvents()).map(({ event_id }) => event_id));
  return [...acked].filter((id) => !stored.has(id));
}

describe("the edge with a spool, its log down", () => {
  it("acks, says that it spools, and drains by itself once the log is back", async () => {
    const edge = await startReady();
    const allIsWell = { status: 200, body: { checks: { log: "ok", keys: "ok" } } };
    await expect.poll(() => readiness(edge), WAIT).toMatchObject(allIsWell);
    await allowConnections(world.database.url, false);
    const ids = Array.from({ length: 30 }, (_, index) => `evt_down_${index}`);
    for (const id of ids) expect((await post(edge, [id])).status).toBe(202);
    await expect
      .poll(() => readiness(edge), WAIT)
      .toMatchObject({
        status: 200,
        body: { status: "ready", checks: { log: "spooling", keys: "remembered" } },
      });
    expect((await spooled(edge)).get("records")).toBe(30);

    await allowConnections(world.database.url, true);
    await expect.poll(async () => (await spooled(edge)).get("records"), WAIT).toBe(0);
    expect((await spooled(edge)).get("drained")).toBeGreaterThanOrEqual(30);
    expect(await lostOf(new Set(ids))).toEqual([]);
    await expect.poll(() => readiness(edge), WAIT).toMatchObject(allIsWell);
  });

  // I1, at moments that nobody chose: before, while and after the log is away.
  it("loses nothing that it acked to kill -9 under load", async () => {
    const random = randomOf(faultPlan.seed);
    const acked = new Set<string>();
    for (let round = 0; round < 6; round += 1) {
      const edge = await startReady();
      const gone = sendUntilGone(edge, round, acked);
      const upTo = acked.size + Math.floor(random() * 200);
      await expect.poll(() => acked.size, { ...WAIT, interval: 1 }).toBeGreaterThan(upTo);
      await allowConnections(world.database.url, false);
      const downTo = acked.size + Math.floor(random() * 600);
      await expect.poll(() => acked.size, { ...WAIT, interval: 1 }).toBeGreaterThan(downTo);
      if (round % 2 === 0) await edge.end("SIGKILL");
      await allowConnections(world.database.url, true);
      await edge.end("SIGKILL");
      await gone;
    }
    const last = await startReady();
    await expect.poll(async () => (await spooled(last)).get("records"), WAIT).toBe(0);
    expect(acked.size).toBeGreaterThan(100);
    expect(await lostOf(acked)).toEqual([]);
    // Seven starts and six kills, of which each waits only for what it needs.
  }, 300_000);

  it("stops cleanly, and the next process drains what is left", async () => {
    const edge = await startReady();
    await allowConnections(world.database.url, false);
    expect((await post(edge, ["evt_before_the_stop"])).status).toBe(202);
    expect(await edge.end("SIGTERM")).toBe(0);
    await allowConnections(world.database.url, true);
    await startReady();
    await expect.poll(() => lostOf(new Set(["evt_before_the_stop"])), WAIT).toEqual([]);
  });

  it("ends at once where another process has the folder", async () => {
    await startReady();
    await expect(start()).rejects.toThrow("another process's spool");
  });
});
