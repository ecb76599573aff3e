import { afterEach, beforeEach, expect, it } from "vitest";
import { click } from "../testing/click.ts";
import {
  BROWSER_KEY,
  type EdgeInMemory,
  SERVER_KEY,
  SLOW_KEY,
  SOURCE_LIMIT,
  startEdgeInMemory,
} from "../testing/edgeInMemory.ts";
import { sumByLabel } from "../testing/metricsText.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const BATCH = 1_000;

let edge: EdgeInMemory;
beforeEach(async () => {
  edge = await startEdgeInMemory(NOW_MS);
});
afterEach(() => edge.stop());

async function send(key: string, body: string) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const response = await fetch(`${edge.url}/v1/events`, { method: "POST", headers, body });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

it("answers 429 beyond a source's rate, and says when to come again", async () => {
  const batch = JSON.stringify(Array.from({ length: BATCH }, () => click(NOW_MS)));
  for (let sent = 0; sent < SOURCE_LIMIT.burst; sent += BATCH) {
    expect((await send(SERVER_KEY, batch)).status).toBe(202);
  }
  const refused = await send(SERVER_KEY, batch);
  expect(refused).toMatchObject({ status: 429, body: { error: { code: "rate_limited" } } });
  expect(refused.headers.get("retry-after")).toBe("1");
  expect((await send(SERVER_KEY, "no JSON")).status).toBe(429);
  // Nobody else pays for it.
  expect((await send(BROWSER_KEY, JSON.stringify(click(NOW_MS)))).status).toBe(202);

  expect(edge.sink.events()).toHaveLength(SOURCE_LIMIT.burst + 1);
  expect(edge.quarantine.items).toEqual([]);
  const text = await (await fetch(`${edge.url}/metrics`)).text();
  const refusals = sumByLabel(text, "trueclick_edge_refused_events_total", "status");
  expect(refusals.get("429")).toBe(BATCH + 1);
});

it("holds a source to the rate of its record, and no other to it", async () => {
  const batch = JSON.stringify(Array.from({ length: 10 }, () => click(NOW_MS)));
  expect((await send(SLOW_KEY, batch)).status).toBe(202);
  expect((await send(SLOW_KEY, batch)).status).toBe(429);
  expect((await send(SERVER_KEY, batch)).status).toBe(202);
});
