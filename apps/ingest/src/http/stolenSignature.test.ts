import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { click } from "../testing/click.ts";
import {
  type EdgeInMemory,
  SIGNERS_KEY,
  SIGNING_SECRET,
  startEdgeInMemory,
} from "../testing/edgeInMemory.ts";
import { signedHeaders } from "../testing/signedHeaders.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const NOW_S = NOW_MS / 1_000;

let edge: EdgeInMemory;
beforeEach(async () => {
  edge = await startEdgeInMemory(NOW_MS);
});
afterEach(() => edge.stop());

async function post(body: string, headers: Record<string, string>) {
  const response = await fetch(`${edge.url}/v1/events`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  return { status: response.status, body: await response.text() };
}

describe("a signature that is stolen", () => {
  const GOOD = {
    keyId: "key_signing",
    secret: SIGNING_SECRET,
    timestampS: NOW_S,
    nonce: "nonce-01",
  };
  const BODY = JSON.stringify(click(NOW_MS));
  const OTHER = JSON.stringify(click(NOW_MS, { event_id: "evt_00000002" }));
  const send = (body: string, headers: Record<string, string>) =>
    post(body, { authorization: "", ...headers });

  it("appends nothing when the request is replayed, and answers as it did", async () => {
    const first = await send(BODY, signedHeaders(BODY, GOOD));
    const again = await send(BODY, signedHeaders(BODY, GOOD));
    expect([first.status, again]).toEqual([202, first]);
    expect(edge.sink.events()).toHaveLength(1);
  });

  it.each<[string, string, Record<string, string>]>([
    ["another body under the same signature", OTHER, signedHeaders(BODY, GOOD)],
    ["an old one", BODY, signedHeaders(BODY, { ...GOOD, timestampS: NOW_S - 301 })],
    ["one of the future", BODY, signedHeaders(BODY, { ...GOOD, timestampS: NOW_S + 301 })],
    [
      "a fresh time on an old signature",
      BODY,
      {
        ...signedHeaders(BODY, { ...GOOD, timestampS: NOW_S - 301 }),
        "x-trueclick-timestamp": String(NOW_S),
      },
    ],
    [
      "a fresh nonce on a used signature",
      BODY,
      { ...signedHeaders(BODY, GOOD), "x-trueclick-nonce": "nonce-02" },
    ],
    ["another key's id", BODY, { ...signedHeaders(BODY, GOOD), "x-trueclick-key": "key_bearing" }],
    ["an empty signature", BODY, { ...signedHeaders(BODY, GOOD), "x-trueclick-signature": "" }],
    [
      "half of it",
      BODY,
      { ...signedHeaders(BODY, GOOD), "x-trueclick-signature": "ab".repeat(16) },
    ],
  ])("is refused: %s", async (_what, body, headers) => {
    expect((await send(body, headers)).status).toBe(401);
    expect(edge.sink.blocks).toEqual([]);
  });

  // A nonce is remembered with the answer: it must not ack what it did not sign, and was not stored (I1).
  it("does not let a used nonce speak for another body", async () => {
    const first = await send(BODY, signedHeaders(BODY, GOOD));
    const { status, body } = await send(OTHER, signedHeaders(OTHER, GOOD));
    expect([status, body]).toEqual([401, expect.stringContaining("another body")]);
    expect(await send(BODY, signedHeaders(BODY, GOOD))).toEqual(first);
    expect(edge.sink.events().map(({ event_id }) => event_id)).not.toContain("evt_00000002");
  });

  it("is needed where the source signs: a key that was overheard sends nothing", async () => {
    expect((await post(BODY, { authorization: `Bearer ${SIGNERS_KEY}` })).status).toBe(401);
    expect(edge.sink.blocks).toEqual([]);
  });
});
