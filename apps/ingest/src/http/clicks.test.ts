import type { ClickClaims } from "@trueclick/shared/token/claims";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { click as clickAt } from "../testing/click.ts";
import { clickClaims, mintFor } from "../testing/clickToken.ts";
import {
  BAD_TOKENS_KEPT,
  type EdgeInMemory,
  SERVER_KEY,
  STRICT_KEY,
  startEdgeInMemory,
  TOKEN_KEYS,
} from "../testing/edgeInMemory.ts";
import { sumByLabel } from "../testing/metricsText.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const NOW_S = NOW_MS / 1_000;
const LANDING_URL = "https://shop.example/sale?from=ad";
const CHROME =
  "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36";

let edge: EdgeInMemory;
beforeEach(async () => {
  edge = await startEdgeInMemory(NOW_MS);
});
afterEach(() => edge.stop());

const secret = TOKEN_KEYS.get("k1") ?? Buffer.alloc(0);
const mint = (change: Partial<ClickClaims> = {}) => mintFor(clickClaims(NOW_MS, change), secret);
const forge = () => mintFor(clickClaims(NOW_MS), Buffer.from("another secret, a guess"));
const expired = () => mint({ issuedAtS: NOW_S - 100, expiresAtS: NOW_S });

async function follow(
  token: string,
  headers: Record<string, string> = {},
  method: "GET" | "HEAD" = "GET",
) {
  const all = { "user-agent": CHROME, ...headers };
  const url = `${edge.url}/c/${token}`;
  const response = await fetch(url, { method, redirect: "manual", headers: all });
  return { status: response.status, location: response.headers.get("location"), response };
}

async function post(change: object, key = SERVER_KEY) {
  const response = await fetch(`${edge.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(clickAt(NOW_MS, { ...change })),
  });
  await response.body?.cancel();
  return response.status;
}

describe("GET /c/{token}", () => {
  it("records the click with what the token vouches for, and sends it on", async () => {
    const token = mint();
    expect(await follow(token)).toMatchObject({ status: 302, location: LANDING_URL });
    expect(edge.sink.events()).toEqual([
      expect.objectContaining({
        event_type: "click",
        event_time: NOW_MS,
        campaign_id: "cmp_1",
        ad_id: "ad_1",
        publisher_id: "pub_1",
        impression_id: "imp_00000001",
        device: "mobile",
        ip_net: "127.0.0.0/24",
        source_id: "src_adserver",
        flags: ["token_ok", "id_derived"],
        token,
      }),
    ]);
  });

  it("sends nobody on before the click is stored", async () => {
    edge.sink.isUp = false;
    const { status, location, response } = await follow(mint());
    expect([status, location, response.headers.get("retry-after")]).toEqual([503, null, "1"]);
    expect(edge.quarantine.items).toEqual([]);
  });

  it("counts an impression once, however often its token is used", async () => {
    const token = mint();
    for (const _time of [1, 2, 3]) expect((await follow(token)).status).toBe(302);
    const again = mint({ expiresAtS: NOW_S + 60 });
    expect((await follow(again)).status).toBe(302);
    const ids = edge.sink.events().map(({ event_id }) => event_id);
    expect(ids).toHaveLength(4);
    expect(new Set(ids).size).toBe(1);
    await follow(mint({ impressionId: "imp_00000002" }));
    expect(edge.sink.events().at(-1)?.event_id).not.toBe(ids[0]);
  });

  // Mail scanners and browsers that load ahead come first: theirs must not be the one that counts.
  it("gives robots and prefetches ids of their own, and flags", async () => {
    const token = mint();
    await follow(token, { "user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)" });
    await follow(token, { "sec-purpose": "prefetch;prerender" });
    await follow(token);
    const events = edge.sink.events();
    expect(events.map(({ flags }) => flags)).toEqual([
      ["token_ok", "bot_user_agent", "id_derived"],
      ["token_ok", "prefetch", "id_derived"],
      ["token_ok", "id_derived"],
    ]);
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(3);
  });

  it.each([
    ["sec-purpose", "prefetch"],
    ["sec-purpose", "prefetch;anonymous-client-ip"],
    ["purpose", "prefetch"],
    ["x-purpose", "preview"],
    ["x-moz", "prefetch"],
  ])("knows a browser that loads ahead by %s: %s", async (name, value) => {
    await follow(mint(), { [name]: value });
    expect(edge.sink.events()[0]?.flags).toContain("prefetch");
  });

  it("tells a link checker where it leads, without a click", async () => {
    expect(await follow(mint(), {}, "HEAD")).toMatchObject({ status: 302, location: LANDING_URL });
    expect((await follow(forge(), {}, "HEAD")).status).toBe(404);
    expect([edge.sink.blocks, edge.quarantine.items]).toEqual([[], []]);
  });

  it("sends each of many that come at once to where its own token leads, uncached", async () => {
    const urls = ["a", "b", "a", "c", "b"].map((page) => `https://shop.example/${page}`);
    const answers = await Promise.all(urls.map((landingUrl) => follow(mint({ landingUrl }))));
    expect(answers.map(({ status, location }) => [status, location])).toEqual(
      urls.map((url) => [302, url]),
    );
    for (const { response } of answers) {
      const { headers } = response;
      expect([headers.get("cache-control"), headers.get("content-length")]).toEqual([
        "no-store",
        "0",
      ]);
    }
    expect(edge.sink.events()).toHaveLength(urls.length);
  });

  it("writes the landing URL as a header can hold it", async () => {
    const landingUrl = "https://münchen.example/Straße?q=a b";
    const { location } = await follow(mint({ landingUrl }));
    expect(location).toBe("https://xn--mnchen-3ya.example/Stra%C3%9Fe?q=a%20b");
  });
});

describe("an attacker's tries at a link", () => {
  const evil = encodeURIComponent("https://evil.example/");
  it.each([
    ["a forged token", forge, "token_bad"],
    ["an expired token", expired, "token_expired"],
    ["a token of the future", () => mint({ issuedAtS: NOW_S + 301 }), "token_bad"],
    ["a URL in its place", () => evil, "token_bad"],
    ["a token with a URL behind it", () => `${mint()}${evil}`, "token_bad"],
    ["another landing URL in the same token", retargeted, "token_bad"],
    ["something on every object", () => "__proto__", "token_bad"],
    ["a header in it", () => `${mint()}%0d%0aLocation:%20evil.example`, "token_bad"],
    ["a length without end", () => "A".repeat(12_000), "token_bad"],
  ])("leads nowhere, and is kept: %s", async (_what, tried, code) => {
    const { status, location, response } = await follow(tried());
    expect([status, location]).toEqual([404, null]);
    expect(await response.json()).toMatchObject({ error: { code: "not_found" } });
    expect(edge.sink.blocks).toEqual([]);
    expect(edge.quarantine.items).toMatchObject([{ code, sourceId: "click_links" }]);
    expect(edge.quarantine.items[0]?.bytes.toString()).toBe(tried());
  });

  // A target in the query is what makes a redirect open.
  it("leads where the token says, whatever stands behind it", async () => {
    const { location } = await follow(`${mint()}?url=${evil}&landing_url=${evil}#${evil}`);
    expect(location).toBe(LANDING_URL);
  });

  it.each(["", "a/b", "../c/x"])("is no link at all: /c/%s", async (path) => {
    expect((await follow(path)).status).toBe(404);
    expect(edge.sink.blocks).toEqual([]);
  });

  it("cannot fill the quarantine; what is over is counted", async () => {
    const tries = 2 * BAD_TOKENS_KEPT.burst;
    for (let count = 0; count < tries; count += 1) await follow(`guess-${count}`);
    expect(edge.quarantine.items).toHaveLength(BAD_TOKENS_KEPT.burst);
    const text = await (await fetch(`${edge.url}/metrics`)).text();
    const quarantined = sumByLabel(text, "trueclick_edge_quarantined_events_total", "source");
    expect(quarantined.get("click_links")).toBe(tries);
    expect(text).toContain(`trueclick_edge_quarantine_lost_events_total ${tries / 2}`);
  });
});

function retargeted(): string {
  const [version, keyId, ad = "", impression, mac] = mint().split(".");
  const claims = Buffer.from(ad, "base64url").toString();
  const changed = claims.replace("shop.example", "evil.example");
  return [version, keyId, Buffer.from(changed).toString("base64url"), impression, mac].join(".");
}

describe("the token of an event that is sent", () => {
  const other = "evt_other";
  it.each([
    ["good", {}, mint, ["token_ok"]],
    ["forged", {}, forge, ["token_bad"]],
    ["expired", {}, expired, ["token_expired"]],
    [
      "expired, with an old event time",
      { event_time: NOW_MS - 90_000 },
      expired,
      ["token_expired"],
    ],
    ["no token at all", {}, () => "x", ["token_bad"]],
    ["of another campaign", { campaign_id: other }, mint, ["token_bad"]],
    ["of another ad", { ad_id: other }, mint, ["token_bad"]],
    ["of another publisher", { publisher_id: other }, mint, ["token_bad"]],
    ["of another impression", { impression_id: other }, mint, ["token_bad"]],
    ["of this impression", { impression_id: "imp_00000001" }, mint, ["token_ok"]],
    ["of another campaign and expired", { campaign_id: other }, expired, ["token_bad"]],
    ["on an impression", { event_type: "impression" }, mint, ["token_ok"]],
  ])("is flagged: %s", async (_what, change, token, flags) => {
    expect(await post({ ...change, token: token() })).toBe(202);
    expect(edge.sink.events().map((event) => event.flags)).toEqual([flags]);
  });

  it("links the event to the impression that it vouches for, and a bad one does not", async () => {
    await post({ token: mint() });
    await post({ token: forge() });
    const impressions = edge.sink.events().map(({ impression_id }) => impression_id);
    expect(impressions).toEqual(["imp_00000001", undefined]);
  });

  // Left out is the cheapest forgery.
  it("is as bad as forged where it is left out and the source must send it", async () => {
    await post({}, STRICT_KEY);
    await post({ token: mint() }, STRICT_KEY);
    await post({ event_type: "impression" }, STRICT_KEY);
    expect(
      edge.sink.events().map(({ flags }) => flags.filter((flag) => /^token/.test(flag))),
    ).toEqual([["token_absent", "token_bad"], ["token_ok"], []]);
  });
});
