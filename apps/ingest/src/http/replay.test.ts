import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { click } from "../testing/click.ts";
import {
  BROWSER_KEY,
  type EdgeInMemory,
  OPERATOR_KEY,
  SERVER_KEY,
  startEdgeInMemory,
} from "../testing/edgeInMemory.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const HOUR_MS = 3_600_000;
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";

let edge: EdgeInMemory;
beforeEach(async () => {
  edge = await startEdgeInMemory(NOW_MS);
});
afterEach(() => edge.stop());

async function replay(change: object, key = OPERATOR_KEY) {
  const response = await fetch(`${edge.url}/v1/quarantine/replay`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ source_id: "src_browser", received_at: NOW_MS - HOUR_MS, ...change }),
  });
  return { status: response.status, body: await response.json() };
}

const itemOf = (text: string) => ({
  bytes_base64: Buffer.from(text).toString("base64"),
  bytes_received: Buffer.byteLength(text),
});
const clickText = (change: object = {}) =>
  JSON.stringify(click(NOW_MS - HOUR_MS, { ip: "192.0.2.1", ...change }));

describe("a replay", () => {
  it("takes what is good now, as its source and as of the time it came", async () => {
    const item = { ...itemOf(clickText()), user_agent: FIREFOX, is_prefetch: true };
    expect(await replay(item)).toEqual({ status: 200, body: { accepted: 1, rejected: [] } });
    expect(edge.sink.events()).toMatchObject([
      {
        source_id: "src_browser",
        ingest_time: NOW_MS - HOUR_MS,
        user_agent: FIREFOX,
        device: "desktop",
        flags: ["token_absent", "prefetch"],
      },
    ]);
    // A source that does not speak for its users is not believed on addresses now either.
    expect(edge.sink.events()[0]).not.toHaveProperty("ip_net");
  });

  // One line under one id, however often: a copy more is a duplicate, never a click more.
  it("writes the same line each time", async () => {
    const item = itemOf(clickText({ event_id: undefined, click_id: "clk_1" }));
    await replay(item);
    await replay(item);
    const [first, second, ...more] = edge.sink.events();
    expect(more).toEqual([]);
    expect(second).toEqual(first);
  });

  it("reckons ages from when it came", async () => {
    const old = clickText({ event_time: NOW_MS - HOUR_MS - 35 * 24 * HOUR_MS + 1 });
    expect(await replay(itemOf(old))).toMatchObject({ body: { accepted: 1 } });
    const ahead = clickText({ event_time: NOW_MS - 10 * 60_000 });
    expect(await replay(itemOf(ahead))).toMatchObject({
      body: { accepted: 0, rejected: [{ code: "in_future" }] },
    });
  });

  it("says what would come of it without appending, where it is asked to", async () => {
    expect(await replay({ ...itemOf(clickText()), dry_run: true })).toMatchObject({
      body: { accepted: 1, rejected: [] },
    });
    expect(edge.sink.blocks).toEqual([]);
  });

  it("takes a whole body apart, and answers for each event", async () => {
    const lines = [clickText(), "{", clickText({ event_id: "evt_00000002" })].join("\n");
    expect(await replay(itemOf(lines))).toMatchObject({
      body: { accepted: 2, rejected: [{ index: 1, code: "bad_json" }] },
    });
  });

  it.each([
    ["what is still no JSON", itemOf("{"), 200, "bad_json"],
    [
      "what was not kept whole",
      { ...itemOf(clickText()), bytes_received: 9_999 },
      200,
      "too_large",
    ],
    [
      "a source that is gone",
      { ...itemOf(clickText()), source_id: "src_gone" },
      404,
      "unknown_source",
    ],
    [
      "what came too long ago",
      { ...itemOf("{}"), received_at: NOW_MS - 36 * 24 * HOUR_MS },
      400,
      "out_of_time",
    ],
    ["what is to come", { ...itemOf("{}"), received_at: NOW_MS + HOUR_MS }, 400, "out_of_time"],
    ["what is no item", { received_at: "now" }, 400, "bad_request"],
  ])("refuses %s, and keeps it no second time", async (_what, item, status, code) => {
    const answer = await replay(item);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(`"code":"${code}"`);
    expect([edge.sink.blocks, edge.quarantine.items]).toEqual([[], []]);
  });

  it("is for keys that may, who may nothing else", async () => {
    for (const key of [SERVER_KEY, BROWSER_KEY]) {
      expect((await replay(itemOf(clickText()), key)).status).toBe(403);
    }
    expect((await replay(itemOf(clickText()), "a guess")).status).toBe(401);
    const sent = await fetch(`${edge.url}/v1/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${OPERATOR_KEY}`, "content-type": "application/json" },
      body: clickText(),
    });
    expect(sent.status).toBe(403);
    expect(edge.sink.blocks).toEqual([]);
  });

  it("promises nothing while the log is down", async () => {
    edge.sink.isUp = false;
    expect((await replay(itemOf(clickText()))).status).toBe(503);
  });

  // I2: it was received once, when it came.
  it("is counted by itself, and not as received again", async () => {
    await replay(itemOf(clickText()));
    await replay({ ...itemOf(clickText()), dry_run: true });
    const text = await (await fetch(`${edge.url}/metrics`)).text();
    expect(text).toContain(
      'trueclick_edge_replayed_events_total{source="src_browser",outcome="accepted"} 1',
    );
    expect(text).not.toContain('trueclick_edge_received_events_total{source="src_browser"}');
  });
});
