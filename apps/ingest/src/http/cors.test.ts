import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { click } from "../testing/click.ts";
import {
  type EdgeInMemory,
  PAGE_KEY,
  PAGE_ORIGIN,
  SERVER_KEY,
  startEdgeInMemory,
} from "../testing/edgeInMemory.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const ALLOW_ORIGIN = "access-control-allow-origin";

let edge: EdgeInMemory;
beforeEach(async () => {
  edge = await startEdgeInMemory(NOW_MS);
});
afterEach(() => edge.stop());

interface Sent {
  readonly key?: string;
  readonly origin?: string | null;
  readonly method?: string;
  readonly body?: string;
}

async function send(sent: Sent = {}) {
  const { key = PAGE_KEY, origin = PAGE_ORIGIN, method = "POST" } = sent;
  const response = await fetch(`${edge.url}/v1/events?key=${encodeURIComponent(key)}`, {
    method,
    // As `sendBeacon` sends a string.
    headers: {
      "content-type": "text/plain;charset=UTF-8",
      ...(origin === null ? {} : { origin }),
    },
    ...(method === "POST" ? { body: sent.body ?? JSON.stringify(click(NOW_MS)) } : {}),
  });
  await response.body?.cancel();
  return { status: response.status, headers: response.headers };
}

const events = () => edge.sink.events();

describe("a page of another origin", () => {
  it("sends a beacon, and may read what it is answered", async () => {
    const { status, headers } = await send();
    expect([status, headers.get(ALLOW_ORIGIN), headers.get("vary")]).toEqual([
      202,
      PAGE_ORIGIN,
      "Origin",
    ]);
    expect(headers.has("access-control-allow-credentials")).toBe(false);
    expect(events()).toMatchObject([{ source_id: "src_page", ip_net: "127.0.0.0/24" }]);
  });

  it("may read refusals too", async () => {
    const refused = await send({ body: "no JSON" });
    expect([refused.status, refused.headers.get(ALLOW_ORIGIN)]).toEqual([400, PAGE_ORIGIN]);
    edge.sink.isUp = false;
    const unavailable = await send();
    expect([unavailable.status, unavailable.headers.get(ALLOW_ORIGIN)]).toEqual([503, PAGE_ORIGIN]);
  });

  it("is told before it sends that it may", async () => {
    const { status, headers } = await send({ method: "OPTIONS" });
    expect([
      status,
      headers.get(ALLOW_ORIGIN),
      headers.get("access-control-allow-methods"),
    ]).toEqual([204, PAGE_ORIGIN, "POST"]);
    expect(headers.get("access-control-allow-headers")).toContain("Content-Type");
  });

  it.each([
    ["another origin", { origin: "https://evil.example" }, 403],
    ["an origin that begins alike", { origin: `${PAGE_ORIGIN}.evil.example` }, 403],
    ["the same host without encryption", { origin: "http://shop.example" }, 403],
    ["no origin of its own", { origin: "null" }, 403],
    ["no origin at all", { origin: null }, 403],
    ["an unknown key", { key: "guess" }, 401],
    // A secret must not work where it would be logged: it would be put there.
    ["a server's key", { key: SERVER_KEY }, 401],
  ])("is refused and told nothing: %s", async (_what, sent, status) => {
    for (const method of ["POST", "OPTIONS"]) {
      const answer = await send({ ...sent, method });
      expect(answer.status).toBe(method === "POST" ? status : 204);
      expect(answer.headers.has(ALLOW_ORIGIN)).toBe(false);
    }
    expect(events()).toEqual([]);
  });
});

it("without a key in the URL, OPTIONS only names the methods", async () => {
  const headers = { origin: PAGE_ORIGIN };
  const response = await fetch(`${edge.url}/v1/events`, { method: "OPTIONS", headers });
  expect([response.status, response.headers.get("allow")]).toEqual([204, "POST, OPTIONS"]);
  expect(response.headers.has(ALLOW_ORIGIN)).toBe(false);
});
