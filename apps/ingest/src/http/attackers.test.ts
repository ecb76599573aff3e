/**
 * An attacker's catalogue, tried on the whole edge by HTTP. Each try ends in one of two ways: the
 * edge refuses it, or the event carries the flag by which readers leave it out of the count. What
 * never happens: a click that counts, or a redirect to where no token of ours leads.
 */
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { ClickClaims } from "@trueclick/shared/token/claims";
import { quickVerdict } from "@trueclick/shared/verdict";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { click } from "../testing/click.ts";
import { clickClaims, mintFor } from "../testing/clickToken.ts";
import {
  BROWSER_KEY,
  type EdgeInMemory,
  SERVER_KEY,
  STRICT_KEY,
  startEdgeInMemory,
  TOKEN_KEYS,
} from "../testing/edgeInMemory.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const NOW_S = NOW_MS / 1_000;
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";

let edge: EdgeInMemory;
beforeEach(async () => {
  edge = await startEdgeInMemory(NOW_MS);
});
afterEach(() => edge.stop());

const secret = TOKEN_KEYS.get("k1") ?? Buffer.alloc(0);
const mint = (change: Partial<ClickClaims> = {}, keyId = "k1") =>
  mintFor(clickClaims(NOW_MS, change), secret, keyId);

/** Sends bytes as they are and reads until the edge closes. */
function exchange(bytes: string): Promise<string> {
  const socket = connect(edge.port, "127.0.0.1");
  socket.write(bytes);
  return text(socket);
}

/** Follows a link as a browser that keeps every byte of it; status and Location. */
async function follow(token: string, headers = ""): Promise<[string, string | undefined]> {
  const answer = await exchange(
    `GET /c/${token} HTTP/1.1\r\nHost: a\r\nUser-Agent: ${FIREFOX}\r\n${headers}Connection: close\r\n\r\n`,
  );
  const location = /^Location: (.*)\r$/im.exec(answer.split("\r\n\r\n")[0] ?? "")?.[1];
  return [answer.slice(9, 12), location];
}

async function post(body: string | object, headers: Record<string, string> = {}) {
  const response = await fetch(`${edge.url}/v1/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${STRICT_KEY}`,
      "content-type": "application/json",
      "user-agent": FIREFOX,
      ...headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, body: await response.text() };
}

/** Distinct ids of stored events that nothing about them keeps out of the count. */
function countedIds(): string[] {
  const counted = edge.sink.events().filter(({ flags, test = false }) => {
    return quickVerdict({ test, campaignKnown: true, flags }) === "valid";
  });
  return [...new Set(counted.map(({ event_id }) => event_id))];
}

const flipped = (token: string, at: number, bit: number) =>
  token.slice(0, at) + String.fromCharCode(token.charCodeAt(at) ^ (1 << bit)) + token.slice(at + 1);

const parts = (token: string) => token.split(".");
const swap = (place: number, value: string) => (token: string) =>
  parts(token)
    .map((part, index) => (index === place ? value : part))
    .join(".");
const adPart = (landingUrl: string) =>
  Buffer.from(JSON.stringify(["src_adserver", "cmp_1", "ad_1", "pub_1", landingUrl])).toString(
    "base64url",
  );

const FORGERIES: [string, (token: string) => string][] = [
  ["nothing changed but the key's id", swap(1, "k2")],
  ["the id of no key", swap(1, "")],
  ["a key's id that climbs", swap(1, "..")],
  ["no algorithm", swap(0, "none")],
  ["the former version", swap(0, "t1")],
  ["a JSON web token without a signature", () => "eyJhbGciOiJub25lIn0.eyJhIjoxfQ."],
  ["no signature", (token) => token.slice(0, -43)],
  ["a signature of zeros", swap(4, "A".repeat(43))],
  ["a signature cut short", (token) => token.slice(0, -1)],
  ["padding", (token) => `${token}=`],
  ["a later expiry", (token) => token.replace(/[0-9a-f]{8}imp_/, "ffffffffimp_")],
  ["another impression", (token) => token.replace("imp_00000001", "imp_00000002")],
  ...[
    "https://evil.example/",
    "//evil.example",
    "\\\\evil.example",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "https://shop.example@evil.example/",
    "https://shop.example\r\nLocation: https://evil.example/",
    "https://ѕhop.example/",
    "https://evil.example\\@shop.example/",
  ].map((url): [string, (token: string) => string] => [
    `re-targeted to ${JSON.stringify(url)}`,
    swap(2, adPart(url)),
  ]),
];

const MADE: [string, () => string][] = [
  ["signed by a guess", () => mintFor(clickClaims(NOW_MS), Buffer.from("a guess at the secret"))],
  ["signed with nothing", () => mintFor(clickClaims(NOW_MS), Buffer.alloc(0))],
  ["signed under the name of another key", () => mint({}, "k2")],
  ["expired", () => mint({ issuedAtS: NOW_S - 100, expiresAtS: NOW_S })],
  ["not good yet", () => mint({ issuedAtS: NOW_S + 301, expiresAtS: NOW_S + 999 })],
];
const TRIES: [string, () => string][] = [
  ...FORGERIES.map(([what, forge]): [string, () => string] => [what, () => forge(mint())]),
  ...MADE,
];

describe("a link that was tampered with", () => {
  it.each(TRIES)("leads nowhere and counts nothing: %s", async (_what, tried) => {
    expect(await follow(encodeURI(tried()))).toEqual(["404", undefined]);
    expect(edge.sink.blocks).toEqual([]);
  });

  it("leads nowhere, whichever bit of it is turned", async () => {
    const token = mint();
    for (let at = 0; at < token.length; at += 1) {
      const response = await fetch(
        `${edge.url}/c/${encodeURIComponent(flipped(token, at, at % 7))}`,
        {
          redirect: "manual",
        },
      );
      await response.body?.cancel();
      expect([at, response.status]).toEqual([at, 404]);
    }
    expect(edge.sink.blocks).toEqual([]);
  });

  it("sets no header of ours, whatever it holds", async () => {
    const answer = await exchange(
      `GET /c/${mint()}%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).not.toMatch(/set-cookie|^location/im);
  });
});

describe("a token that is genuine", () => {
  it("counts once, however often it is replayed, by link and by whom", async () => {
    const token = mint();
    for (let time = 0; time < 3; time += 1) {
      expect((await follow(token))[0]).toBe("302");
      expect((await follow(token, "X-Forwarded-For: 203.0.113.9\r\n"))[0]).toBe("302");
    }
    expect(edge.sink.events()).toHaveLength(6);
    expect(countedIds()).toHaveLength(1);
  });

  it("leads where it says, whatever the request adds", async () => {
    const evil = encodeURIComponent("https://evil.example/");
    for (const more of [`?url=${evil}`, `?landing_url=${evil}`]) {
      const [, location] = await follow(`${mint()}${more}`, "X-Original-URL: //evil.example\r\n");
      expect(location).toBe("https://shop.example/sale?from=ad");
    }
  });

  it.each([
    ["another campaign", { campaign_id: "cmp_2" }],
    ["another ad", { ad_id: "ad_2" }],
    ["another publisher", { publisher_id: "pub_2" }],
    ["another impression", { impression_id: "imp_2" }],
  ])("vouches for no event of %s", async (_what, change) => {
    expect((await post(click(NOW_MS, { token: mint(), ...change }))).status).toBe(202);
    expect(countedIds()).toEqual([]);
  });
});

describe("a token that was tampered with, on an event", () => {
  it.each(TRIES)("counts nothing where tokens are required: %s", async (_what, tried) => {
    const { status } = await post(click(NOW_MS, { token: tried() }));
    expect([202, 422]).toContain(status);
    expect(countedIds()).toEqual([]);
  });

  it("counts nothing when it is left out, empty, too long or no text", async () => {
    for (const token of [undefined, "", null, "t2.".repeat(2_000), 7, {}, [mint()]]) {
      await post(click(NOW_MS, { token }));
    }
    expect(countedIds()).toEqual([]);
    // The same with a good one counts: it is the token that made the difference.
    await post(click(NOW_MS, { token: mint() }));
    expect(countedIds()).toHaveLength(1);
  });
});

describe("a word that is not its sender's to say", () => {
  const SPOOFED = { ip: "203.0.113.9", user_agent: "Spoofed/1.0" };
  const FORWARDED = {
    "x-forwarded-for": "203.0.113.9",
    "x-real-ip": "203.0.113.9",
    forwarded: "for=203.0.113.9",
    "cf-connecting-ip": "203.0.113.9",
  };

  it("does not change the address or the browser of a source that speaks for nobody", async () => {
    const bearer = { authorization: `Bearer ${BROWSER_KEY}` };
    await post(click(NOW_MS, SPOOFED), { ...bearer, ...FORWARDED });
    const [event] = edge.sink.events();
    expect(event).toMatchObject({ ip_net: "127.0.0.0/24", user_agent: FIREFOX });
    expect(JSON.stringify(event)).not.toContain("203.0.113");
  });

  it("does not change the address of a link's click", async () => {
    await follow(mint(), "X-Forwarded-For: 203.0.113.9\r\nForwarded: for=203.0.113.9\r\n");
    expect(edge.sink.events()[0]?.ip_net).toBe("127.0.0.0/24");
  });

  // Only the server's own word on its users is taken, never that of a header that anyone may add.
  it("does not stand in for what a trusted server leaves out", async () => {
    await post(click(NOW_MS), { authorization: `Bearer ${SERVER_KEY}`, ...FORWARDED });
    const [event] = edge.sink.events();
    expect(event).not.toHaveProperty("ip_net");
    expect(event).not.toHaveProperty("user_agent");
  });

  it("sets none of the edge's own stamps", async () => {
    const stamps = { source_id: "src_other", region: "moon", ingest_time: 1, flags: ["token_ok"] };
    await post(click(NOW_MS, { ...stamps, ip_hash: "00", ip_net: "8.8.8.0/24" }));
    const [event] = edge.sink.events();
    expect(event).toMatchObject({ source_id: "src_strict", region: "test", ingest_time: NOW_MS });
    expect(event?.flags).not.toContain("token_ok");
    expect(event?.ip_net).toBe("127.0.0.0/24");
    expect(event?.ext).toMatchObject(stamps);
  });
});
