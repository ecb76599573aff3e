import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { click } from "../testing/click.ts";
import {
  BROWSER_KEY,
  type EdgeInMemory,
  SERVER_KEY,
  startEdgeInMemory,
} from "../testing/edgeInMemory.ts";
import { sumByLabel } from "../testing/metricsText.ts";

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const TYPES = ["application/json", "application/x-ndjson", "text/plain"];

let edge: EdgeInMemory;
beforeEach(async () => {
  edge = await startEdgeInMemory(NOW_MS);
});
afterEach(() => edge.stop());

async function post(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) {
  const response = await fetch(`${edge.url}/v1/events`, { method: "POST", headers, body });
  const answer: unknown = await response.json();
  return { status: response.status, answer };
}

const event = fc.oneof(
  fc.nat({ max: 1e6 }).map((id) => click(NOW_MS, { event_id: `evt_${id}_fuzz` })),
  fc.dictionary(fc.constantFrom(...Object.keys(click(NOW_MS)), "ext", "test"), fc.jsonValue()),
  fc.jsonValue(),
);

/** Requests as they come: whole and broken, typed and mistyped, known and unknown. */
const request = fc.record({
  body: fc.oneof(
    fc.array(event, { maxLength: 8 }).map((events) => JSON.stringify(events)),
    fc
      .array(event, { maxLength: 8 })
      .map((events) => events.map((e) => JSON.stringify(e)).join("\n")),
    event.map((one) => JSON.stringify({ events: [one] })),
    fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  ),
  type: fc.constantFrom(...TYPES, "text/html"),
  encoding: fc.constantFrom("identity", "identity", "gzip"),
  key: fc.constantFrom(SERVER_KEY, SERVER_KEY, BROWSER_KEY, "guess"),
  logIsUp: fc.constantFrom(true, true, true, false),
});

// What comes in and what is said to have become of it are compared; a difference is a lost click.
it("adds up for every source: received = accepted + quarantined + refused", async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(request, async ({ body, type, encoding, key, logIsUp }) => {
      edge.sink.isUp = logIsUp;
      const headers = {
        authorization: `Bearer ${key}`,
        "content-type": type,
        "content-encoding": encoding,
      };
      const { status, answer } = await post(body, headers);
      expect([202, 400, 401, 413, 415, 422, 503]).toContain(status);
      expect(answer).toMatchObject(
        status === 202 || status === 422
          ? { accepted: expect.any(Number), rejected: expect.any(Array) }
          : { error: { code: expect.any(String), message: expect.any(String) } },
      );
      if (typeof answer === "object" && answer !== null && "accepted" in answer) {
        accepted += Number(answer.accepted);
      }
    }),
    { numRuns: 300 },
  );

  const text = await (await fetch(`${edge.url}/metrics`)).text();
  const sums = ["accepted", "quarantined", "refused"].map((kind) =>
    sumByLabel(text, `trueclick_edge_${kind}_events_total`, "source"),
  );
  const received = sumByLabel(text, "trueclick_edge_received_events_total", "source");
  expect([...received.keys()].sort()).toEqual(["-", "src_browser", "src_server"]);
  for (const [source, count] of received) {
    expect(sums.reduce((sum, by) => sum + (by.get(source) ?? 0), 0)).toBe(count);
  }
  // Against what is really there, not only against other counters.
  const [acceptedBySource, quarantinedBySource] = sums;
  expect([...(acceptedBySource?.values() ?? [])].reduce((a, b) => a + b, 0)).toBe(accepted);
  expect(edge.sink.events()).toHaveLength(accepted);
  const quarantined = [...(quarantinedBySource?.values() ?? [])].reduce((a, b) => a + b, 0);
  expect(edge.quarantine.items).toHaveLength(quarantined);
  expect(edge.inFlight.bytes).toBe(0);
  expect(edge.faults).toEqual([]);
});

const SUITE = fileURLToPath(
  new URL("../../../../../shared/data/json/test_parsing/", import.meta.url),
);

describe.runIf(existsSync(SUITE))("JSONTestSuite", () => {
  // None of its texts is a click, however well-formed.
  it.each(TYPES)("is refused with 4xx, every text of it, as %s", async (type) => {
    const files = readdirSync(SUITE);
    expect(files.length).toBeGreaterThan(300);
    const headers = { authorization: `Bearer ${SERVER_KEY}`, "content-type": type };
    for (const file of files) {
      const { status } = await post(readFileSync(`${SUITE}${file}`), headers);
      expect(status, file).toBeGreaterThanOrEqual(400);
      expect(status, file).toBeLessThan(500);
    }
    expect(edge.sink.blocks).toEqual([]);
  });
});
