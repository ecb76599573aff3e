import { openDatabase } from "@trueclick/db/postgres/database";
import { tokenKeys } from "@trueclick/db/postgres/schema/keys";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clickClaims, mintFor } from "./testing/clickToken.ts";
import { createEdgeWorld, type EdgeWorld, readiness } from "./testing/edgeOnPostgres.ts";

const WAIT = { timeout: 120_000, interval: 50 };
const OLD_SECRET = Buffer.from("the secret that was");
const NEW_SECRET = Buffer.from("the secret that is to be");
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";

let world: EdgeWorld;
beforeEach(async () => {
  world = await createEdgeWorld();
});
afterEach(() => world.end());

async function startWith(secrets: Readonly<Record<string, Buffer>>) {
  const base64 = Object.entries(secrets).map(([id, secret]) => [id, secret.toString("base64")]);
  const edge = await world.start({ TOKEN_KEYS: JSON.stringify(Object.fromEntries(base64)) });
  await expect.poll(async () => (await readiness(edge)).status, WAIT).toBe(200);
  return async (token: string) => {
    const headers = { "user-agent": FIREFOX };
    const response = await fetch(`${edge.url}/c/${token}`, { redirect: "manual", headers });
    await response.body?.cancel();
    return response.status;
  };
}

describe("click links on a real log", () => {
  it("go on through a change of keys, and end with the old one", async () => {
    const nowMs = Date.now();
    const old = mintFor(clickClaims(nowMs), OLD_SECRET, "2026-05");
    const young = mintFor(clickClaims(nowMs, { impressionId: "imp_2" }), NEW_SECRET, "2026-06");
    const during = await startWith({ "2026-05": OLD_SECRET, "2026-06": NEW_SECRET });
    expect([await during(old), await during(young)]).toEqual([302, 302]);
    const after = await startWith({ "2026-06": NEW_SECRET });
    expect([await after(old), await after(young)]).toEqual([404, 302]);

    const events = await world.storedEvents();
    const impressions = events.map(({ impression_id }) => impression_id).sort();
    expect(impressions).toEqual(["imp_00000001", "imp_2", "imp_2"]);
    // Both edges know the impression's one click by the same id.
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(2);
    // Whoever followed it had an answer at once, and was promised nothing.
    await expect.poll(() => world.quarantined(), WAIT).not.toEqual([]);
    const [kept, ...more] = await world.quarantined();
    expect([kept?.code, kept?.source_id, more]).toEqual(["token_bad", "click_links", []]);
    expect(Buffer.from(kept.bytes_base64, "base64").toString()).toBe(old);
  });

  it("learn of a new key and forget a retired one without a restart", async () => {
    const edge = await world.start();
    await expect.poll(async () => (await readiness(edge)).status, WAIT).toBe(200);
    const token = mintFor(clickClaims(Date.now()), NEW_SECRET, "2026-06");
    const follow = async () => {
      const response = await fetch(`${edge.url}/c/${token}`, { redirect: "manual" });
      await response.body?.cancel();
      return response.status;
    };
    expect(await follow()).toBe(404);
    const { db, close } = openDatabase(world.database.url, { connectionsMax: 1 });
    try {
      const secret = NEW_SECRET.toString("base64");
      await db.insert(tokenKeys).values({ id: "2026-06", secret });
      await expect.poll(follow, WAIT).toBe(302);
      await db.update(tokenKeys).set({ retiredAt: new Date() });
      await expect.poll(follow, WAIT).toBe(404);
    } finally {
      await close();
    }
  });
});
