import { createHash, createHmac } from "node:crypto";
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { partitionOf } from "@trueclick/event-log/partition";
import { blockLines } from "@trueclick/shared/event/block";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { click as clickAt } from "../testing/click.ts";
import {
  BROWSER_KEY,
  type EdgeInMemory,
  EXPIRED_KEY,
  IP_HASH_KEY,
  SERVER_KEY,
  startEdgeInMemory,
} from "../testing/edgeInMemory.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const click = (change = {}) => clickAt(NOW_MS, change);
const CHROME =
  "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36";

let edge: EdgeInMemory;
beforeEach(async () => {
  edge = await startEdgeInMemory(NOW_MS);
});
afterEach(() => edge.stop());

async function post(
  body: string | Uint8Array<ArrayBuffer> | object,
  { key = SERVER_KEY, ...headers }: Record<string, string> = {},
) {
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const response = await fetch(`${edge.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body: isRaw ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

describe("POST /v1/events", () => {
  it("accepts one object, an array, a batch and lines", async () => {
    const two = [click(), click({ event_id: "evt_00000002" })];
    const lines = two.map((event) => JSON.stringify(event)).join("\n");
    expect(await post(click())).toMatchObject({ status: 202, body: { accepted: 1, rejected: [] } });
    expect(await post(two)).toMatchObject({ status: 202, body: { accepted: 2 } });
    expect(await post({ events: two })).toMatchObject({ status: 202, body: { accepted: 2 } });
    for (const type of ["application/x-ndjson", "text/plain;charset=UTF-8"]) {
      const answer = await post(lines, { "content-type": type });
      expect(answer).toMatchObject({ status: 202, body: { accepted: 2 } });
    }
    expect(edge.sink.events()).toHaveLength(9);
  });

  it.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["deflate", deflateRawSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
  ])("unpacks %s", async (encoding, compress) => {
    const body = compress(Buffer.from(JSON.stringify(click())));
    expect(await post(body, { "content-encoding": encoding })).toMatchObject({ status: 202 });
    const cut = await post(body.subarray(0, -8), { "content-encoding": encoding });
    expect(cut).toMatchObject({ status: 400, body: { error: { code: "bad_encoding" } } });
    const bomb = compress(Buffer.alloc(64 * 1_048_576, " "));
    expect(await post(bomb, { "content-encoding": encoding })).toMatchObject({ status: 413 });
    expect(edge.inFlight.bytes).toBe(0);
  });

  it("takes the good and names the bad, by their place in the request", async () => {
    const events = [click(), { nonsense: 1 }, click({ event_id: "evt_00000002" }), 7];
    expect(await post(events)).toMatchObject({
      status: 202,
      body: {
        accepted: 2,
        rejected: [
          { index: 1, code: "missing_field", message: expect.any(String) },
          { index: 3, code: "not_an_object", message: expect.any(String) },
        ],
      },
    });
    expect(edge.quarantine.items).toMatchObject([
      { code: "missing_field", sourceId: "src_server", receivedAtMs: NOW_MS },
      { code: "not_an_object" },
    ]);
    const kept = edge.quarantine.items.map((item) => Buffer.from(item.bytes).toString());
    expect(kept).toEqual(['{"nonsense":1}', "7"]);
  });

  it("answers 422 when nothing was good, with the same body", async () => {
    expect(await post([{}, {}])).toMatchObject({
      status: 422,
      body: { accepted: 0, rejected: [{ index: 0 }, { index: 1 }] },
    });
  });

  it("keeps a body that is no JSON, byte for byte", async () => {
    const body = Buffer.from('{"event_type":"click",\xff', "latin1");
    expect(await post(body)).toMatchObject({ status: 400, body: { error: { code: "bad_json" } } });
    expect(edge.quarantine.items).toMatchObject([{ code: "bad_json" }]);
    expect(Buffer.from(edge.quarantine.items[0]?.bytes ?? []).equals(body)).toBe(true);
  });

  // The sender has no use for our troubles; that bytes were lost shows in a metric.
  it("answers the same when the quarantine is down", async () => {
    edge.quarantine.isUp = false;
    expect(await post([click(), {}])).toMatchObject({ status: 202, body: { accepted: 1 } });
    const metrics = await (await fetch(`${edge.url}/metrics`)).text();
    expect(metrics).toContain("trueclick_edge_quarantine_lost_events_total 1");
  });

  it("writes one block per partition, each event in that of its id", async () => {
    const events = Array.from({ length: 50 }, (_, n) => click({ event_id: `evt_${1e7 + n}` }));
    await post(events);
    expect(edge.sink.blocks.length).toBeLessThanOrEqual(4);
    for (const { partition, value } of edge.sink.blocks) {
      for (const line of blockLines(value)) {
        const { event_id } = JSON.parse(Buffer.from(line).toString());
        expect(partitionOf(event_id, 4)).toBe(partition);
      }
    }
  });

  it.each([
    ["no key", {}],
    ["an unknown key", { authorization: "Bearer guess" }],
    ["an expired key", { authorization: `Bearer ${EXPIRED_KEY}` }],
    ["another scheme", { authorization: `Basic ${BROWSER_KEY}` }],
    ["an endless key", { authorization: `Bearer ${"k".repeat(5_000)}` }],
  ])("refuses %s with 401 and stores nothing", async (_what, headers) => {
    const response = await fetch(`${edge.url}/v1/events`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(click()),
    });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(await response.json()).toMatchObject({ error: { code: "unauthorized" } });
    expect(edge.sink.blocks).toEqual([]);
    expect(edge.quarantine.items).toEqual([]);
  });

  it.each([
    ["application/x-www-form-urlencoded", {}],
    ["application/json; charset=iso-8859-1", {}],
    ["application/json", { "content-encoding": "compress" }],
    ["application/json", { "content-encoding": "gzip, gzip" }],
  ])("refuses the type %s %j with 415", async (type, headers) => {
    const answer = await post(JSON.stringify(click()), { "content-type": type, ...headers });
    expect(answer).toMatchObject({ status: 415, body: { error: expect.anything() } });
  });

  it("refuses a body past 1 MiB and more than 1,000 events with 413", async () => {
    const large = await post(" ".repeat(1_048_577));
    const many = await post(`[${"1,".repeat(1_000)}1]`);
    expect(large).toMatchObject({ status: 413, body: { error: { code: "body_too_large" } } });
    expect(many).toMatchObject({ status: 413, body: { error: { code: "too_many_events" } } });
    const padded = JSON.stringify(click()).padEnd(1_048_576);
    expect(await post(padded)).toMatchObject({ status: 202 });
  });

  it("quarantines an event past 8 KiB and takes its neighbours", async () => {
    const large = click({ note: "x".repeat(8_192) });
    const answer = await post([large, click()]);
    expect(answer.body).toMatchObject({ accepted: 1, rejected: [{ index: 0, code: "too_large" }] });
    expect(edge.quarantine.items[0]?.bytes).toHaveLength(JSON.stringify(large).length);
  });

  it("answers 503 with Retry-After when nothing can be stored, and keeps no event", async () => {
    edge.sink.isUp = false;
    const answer = await post([click(), {}]);
    expect(answer).toMatchObject({ status: 503, body: { error: { code: "log_unavailable" } } });
    expect(answer.headers.get("retry-after")).toBe("1");
    const metrics = await (await fetch(`${edge.url}/metrics`)).text();
    expect(metrics).toContain('refused_events_total{source="src_server",status="503"} 2');
    // All of it will come again; kept now, the bad one would be there twice.
    expect(edge.quarantine.items).toEqual([]);
  });

  it("answers 503 when keys cannot be checked: neither open nor a lasting refusal", async () => {
    edge.keys.isUp = false;
    expect(await post(click())).toMatchObject({
      status: 503,
      body: { error: { code: "keys_unavailable" } },
    });
  });

  // A log that hangs must cost 503s, not the process its memory.
  it("answers 503 beyond the bytes that may be in flight, and recovers", async () => {
    const gate = Promise.withResolvers<void>();
    edge.sink.gate = gate.promise;
    const padded = JSON.stringify(click()).padEnd(1_048_576);
    let refused = 0;
    const answers = [1, 2, 3, 4].map(async () => {
      const { status } = await post(padded);
      if (status === 503) refused += 1;
      return status;
    });
    await expect.poll(() => refused).toBe(2);
    gate.resolve();
    expect((await Promise.all(answers)).sort()).toEqual([202, 202, 503, 503]);
    expect(await post(padded)).toMatchObject({ status: 202 });
  });
});

describe("the stamps", () => {
  const hmac = (bytes: string | Buffer) =>
    createHmac("sha256", Buffer.from(IP_HASH_KEY, "hex")).update(bytes).digest("hex");
  // The id of the key stands before the hash, so that those of two keys are never taken for one.
  const ipHash = `${hmac("key id").slice(0, 8)}.${hmac(Buffer.from([127, 0, 0, 1]))}`;

  it("name the country of the address where a database knows it and the sender does not say", async () => {
    await post([
      click({ ip: "198.51.100.7" }),
      click({ event_id: "evt_00000002", ip: "::ffff:198.51.100.7" }),
      click({ event_id: "evt_00000003", ip: "198.51.100.7", geo: "nl" }),
      click({ event_id: "evt_00000004", ip: "203.0.113.7" }),
    ]);
    const countries = edge.sink.events().map(({ event_id, geo }) => [event_id.at(-1), geo]);
    expect(countries.sort()).toEqual([
      ["1", "JP"],
      ["2", "JP"],
      ["3", "NL"],
      ["4", "ZZ"],
    ]);
  });

  it("come from the connection where the source is a browser, whatever the body says", async () => {
    const forged = { ip: "203.0.113.9", user_agent: "Googlebot/2.1" };
    await post(click(forged), { key: BROWSER_KEY, "user-agent": CHROME });
    expect(edge.sink.events()).toEqual([
      {
        ...click(),
        event_time: NOW_MS,
        ingest_time: NOW_MS,
        geo: "ZZ",
        device: "mobile",
        user_agent: CHROME,
        ip_hash: ipHash,
        ip_net: "127.0.0.0/24",
        region: "test",
        source_id: "src_browser",
        flags: ["token_absent"],
      },
    ]);
  });

  it("come from the body where the source speaks for its users, else stay unknown", async () => {
    await post([
      click({ ip: "2001:db8:7::1", user_agent: CHROME, geo: "nl", token: "t" }),
      click({ event_id: "evt_00000002", device: "tv" }),
    ]);
    const byId = new Map(edge.sink.events().map((event) => [event.event_id, event]));
    expect(byId.get("evt_00000001")).toMatchObject({
      ip_net: "2001:db8:7::/48",
      user_agent: CHROME,
      device: "mobile",
      geo: "NL",
      flags: ["token_bad"],
    });
    const unknown = byId.get("evt_00000002");
    expect(unknown).toMatchObject({ device: "tv", flags: ["token_absent"] });
    expect(unknown).not.toHaveProperty("ip_hash");
    expect(unknown).not.toHaveProperty("user_agent");
  });

  it("flag robots, prefetches and derived ids, and drop none of them", async () => {
    const robot = {
      key: BROWSER_KEY,
      "user-agent": "Googlebot/2.1",
      "sec-purpose": "prefetch;prerender",
    };
    await post(click({ event_id: null, click_id: "clk_1", token: "t" }), robot);
    const sha256 = createHash("sha256").update(`["clk_1","src_browser",${NOW_MS}]`).digest("hex");
    expect(edge.sink.events()).toMatchObject([
      { event_id: sha256, flags: ["token_bad", "bot_user_agent", "prefetch", "id_derived"] },
    ]);
  });

  // The world of these tests has one data centre, 198.51.0.0/16.
  it("flag addresses of data centres, told from the whole address", async () => {
    await post([
      click({ ip: "198.51.100.7" }),
      click({ event_id: "evt_00000002", ip: "198.52.100.7" }),
    ]);
    const flags = edge.sink.events().map((event) => event.flags);
    expect(flags).toEqual([["token_absent", "datacenter_ip"], ["token_absent"]]);
  });

  it("never store the address itself", async () => {
    await post(click({ ip: "203.0.113.77" }));
    expect(edge.sink.blocks.map(({ value }) => value.toString()).join()).not.toContain("113.77");
  });
});
