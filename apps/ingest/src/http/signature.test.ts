import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { click } from "../testing/click.ts";
import {
  BEARER_KEY,
  type EdgeInMemory,
  SIGNING_SECRET,
  STRICT_SIGNERS_KEY,
  startEdgeInMemory,
} from "../testing/edgeInMemory.ts";
import { sumByLabel } from "../testing/metricsText.ts";
import { signedHeaders } from "../testing/signedHeaders.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const NOW_S = NOW_MS / 1_000;
const GOOD = {
  keyId: "key_signing",
  secret: SIGNING_SECRET,
  timestampS: NOW_S,
  nonce: "nonce-0001",
};
const BODY = JSON.stringify(click(NOW_MS));

let edge: EdgeInMemory;
beforeEach(async () => {
  edge = await startEdgeInMemory(NOW_MS);
});
afterEach(() => edge.stop());

async function send(headers: Record<string, string>, body: string | Buffer = BODY) {
  const response = await fetch(`${edge.url}/v1/events`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : new Uint8Array(body),
  });
  return { status: response.status, body: await response.json() };
}

const events = () => edge.sink.events().length;

describe("a signed request", () => {
  it("is taken as its source's, without a bearer key", async () => {
    const answer = await send(signedHeaders(BODY, GOOD));
    expect(answer).toEqual({ status: 202, body: { accepted: 1, rejected: [] } });
    expect(edge.sink.events()[0]?.source_id).toBe("src_signing");
  });

  it("may be signed with the key that the source could bear, named by itself", async () => {
    const signed = { ...GOOD, keyId: BEARER_KEY, secret: BEARER_KEY };
    const answers = [
      await send(signedHeaders(BODY, signed)),
      await send(signedHeaders(BODY, signed)),
    ];
    const accepted = { status: 202, body: { accepted: 1, rejected: [] } };
    expect(answers).toEqual([accepted, accepted]);
    expect(edge.sink.events()).toMatchObject([{ source_id: "src_signing" }]);
  });

  it("is signed over the bytes that are sent, packed or not", async () => {
    const packed = gzipSync(BODY);
    const headers = { "content-encoding": "gzip", ...signedHeaders(packed, GOOD) };
    expect((await send(headers, packed)).status).toBe(202);
  });

  it.each([
    [-300, 202],
    [300, 202],
    [-301, 401],
    [301, 401],
  ])("with a clock %i s from ours is answered %i", async (skewS, status) => {
    const headers = signedHeaders(BODY, { ...GOOD, timestampS: NOW_S + skewS });
    expect((await send(headers)).status).toBe(status);
  });

  it.each<[string, Record<string, string>]>([
    ["another secret", signedHeaders(BODY, { ...GOOD, secret: "a guess" })],
    ["another body", signedHeaders(`${BODY} `, GOOD)],
    ["an unknown key", signedHeaders(BODY, { ...GOOD, keyId: "key_unknown" })],
    ["an expired key", signedHeaders(BODY, { ...GOOD, keyId: "key_expired" })],
    [
      "a key that signs nothing",
      signedHeaders(BODY, { ...GOOD, keyId: "key_bearing", secret: "" }),
    ],
    ["a bearer's key and another secret", bearing(BEARER_KEY, "a guess")],
    ["the key of a source that must sign, named by itself", bearing(STRICT_SIGNERS_KEY)],
    ["an unknown key, named by itself", bearing("tcs_unknown")],
    ["the key of another object", signedHeaders(BODY, { ...GOOD, keyId: "__proto__" })],
    ["a nonce that is too short", signedHeaders(BODY, { ...GOOD, nonce: "n" })],
    ["a nonce with a dot, moved from the time", movedDot()],
    ["another nonce", { ...signedHeaders(BODY, GOOD), "x-trueclick-nonce": "nonce-0002" }],
    ["another time", { ...signedHeaders(BODY, GOOD), "x-trueclick-timestamp": `${NOW_S - 1}` }],
    ["a time that is no number", { ...signedHeaders(BODY, GOOD), "x-trueclick-timestamp": "now" }],
    ["a signature cut short", { ...signedHeaders(BODY, GOOD), "x-trueclick-signature": "ab" }],
    ["an empty signature", { ...signedHeaders(BODY, GOOD), "x-trueclick-signature": "" }],
    ["a signature beside a bearer key", { ...wrong(), authorization: "Bearer key-of-a-server" }],
  ])("is refused with %s, and leaves nothing behind", async (_what, headers) => {
    expect(await send(headers)).toMatchObject({ status: 401, body: { error: {} } });
    expect([events(), edge.quarantine.items]).toEqual([0, []]);
  });
});

function bearing(keyId: string, secret = keyId): Record<string, string> {
  return signedHeaders(BODY, { ...GOOD, keyId, secret });
}

function wrong(): Record<string, string> {
  return signedHeaders(BODY, { ...GOOD, secret: "a guess" });
}

/** `1.2.x` is the text of time 1 and nonce `2` as well as of no other pair that is taken. */
function movedDot(): Record<string, string> {
  const text = String(NOW_S);
  const signed = signedHeaders(BODY, { ...GOOD, nonce: `${text}.nonce-0001` });
  return {
    ...signed,
    "x-trueclick-timestamp": `${text}.${text}`,
    "x-trueclick-nonce": "nonce-0001",
  };
}

describe("a signed request that comes again", () => {
  it("is answered as the first time, and appended once", async () => {
    const mixed = JSON.stringify([click(NOW_MS), {}]);
    const headers = signedHeaders(mixed, GOOD);
    const first = await send(headers, mixed);
    expect(first).toMatchObject({ status: 202, body: { accepted: 1 } });
    expect(await send(headers, mixed)).toEqual(first);
    expect([events(), edge.quarantine.items.length]).toEqual([1, 1]);
    const text = await (await fetch(`${edge.url}/metrics`)).text();
    const received = sumByLabel(text, "trueclick_edge_received_events_total", "source");
    expect(received.get("src_signing")).toBe(2);
  });

  // Claimed before the append, a nonce would have the retry of a lost append answered as done.
  it("is taken when the first time failed", async () => {
    const headers = signedHeaders(BODY, GOOD);
    edge.sink.isUp = false;
    expect((await send(headers)).status).toBe(503);
    edge.sink.isUp = true;
    expect((await send(headers)).status).toBe(202);
    expect(events()).toBe(1);
  });

  it("is taken again, as a duplicate, while nobody can tell", async () => {
    const headers = signedHeaders(BODY, GOOD);
    edge.nonces.isUp = false;
    expect([(await send(headers)).status, (await send(headers)).status]).toEqual([202, 202]);
    const ids = edge.sink.events().map(({ event_id }) => event_id);
    expect(ids).toEqual(["evt_00000001", "evt_00000001"]);
  });

  it("learns nothing without the body that was signed", async () => {
    const headers = signedHeaders(BODY, GOOD);
    await send(headers);
    expect((await send(headers, "{}")).status).toBe(401);
  });
});
