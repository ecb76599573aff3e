/** The big list of naughty strings in every field that takes one: byte for byte in the log, or refused. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type StoredEvent, storedEventSchema } from "@trueclick/shared/event/stored";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { click } from "./testing/click.ts";
import {
  createEdgeWorld,
  type EdgeWorld,
  readiness,
  SOURCE_KEY,
} from "./testing/edgeOnPostgres.ts";
import type { EdgeProcess } from "./testing/edgeProcess.ts";
import { storedLines } from "./testing/storedRecords.ts";

const WAIT = { timeout: 120_000, interval: 50 };
const FILE = fileURLToPath(new URL("../../../../shared/data/abuse/blns.json", import.meta.url));
const isThere = existsSync(FILE);
const title = isThere
  ? "naughty strings"
  : "naughty strings (SKIPPED: ../shared/data is not there)";
const FIELDS = ["user_id", "campaign_id", "ad_id", "user_agent", "impression_id", "note"] as const;
/** Of events that a request may have. */
const BATCH = 500;

const receipt = z.object({ accepted: z.int(), rejected: z.array(z.object({ index: z.int() })) });

let world: EdgeWorld;
let edge: EdgeProcess;
beforeAll(async () => {
  if (!isThere) return;
  world = await createEdgeWorld();
  edge = await world.start();
  await vi.waitFor(async () => expect(await readiness(edge)).toMatchObject({ status: 200 }), WAIT);
});
afterAll(() => world?.end());

/** The indexes of the events that were accepted. */
async function send(events: readonly object[]): Promise<Set<number>> {
  const response = await fetch(`${edge.url}/v1/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${SOURCE_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(events),
  });
  expect([202, 422]).toContain(response.status);
  const { accepted, rejected } = receipt.parse(await response.json());
  expect(accepted + rejected.length).toBe(events.length);
  const refused = new Set(rejected.map(({ index }) => index));
  return new Set(events.map((_event, index) => index).filter((index) => !refused.has(index)));
}

function fieldOf(event: StoredEvent, field: (typeof FIELDS)[number]): unknown {
  return field === "note" ? event.ext?.["note"] : event[field];
}

describe.runIf(isThere)(title, () => {
  it.each(FIELDS)("are kept as they are or refused, every one, in %s", async (field) => {
    const strings = z.array(z.string()).parse(JSON.parse(readFileSync(FILE, "utf8")));
    expect(strings.length).toBeGreaterThan(500);
    const events = strings.map((text, index) =>
      click(Date.now(), { event_id: `naughty.${field}.${index}`, [field]: text }),
    );
    const acceptedIds = new Set<string>();
    for (let from = 0; from < events.length; from += BATCH) {
      const batch = events.slice(from, from + BATCH);
      for (const index of await send(batch)) acceptedIds.add(batch[index]?.event_id ?? "");
    }
    const lines = await storedLines(world.log, "clicks.raw");
    const stored = lines
      .map(({ line }) => storedEventSchema.parse(JSON.parse(line)))
      .filter(({ event_id }) => event_id.startsWith(`naughty.${field}.`));
    expect(new Set(stored.map(({ event_id }) => event_id))).toEqual(acceptedIds);
    for (const event of stored) {
      const sent = strings[Number(event.event_id.split(".").at(-1))];
      // An empty string in a field of the envelope is one that was left out.
      const isLeftOut = sent === "" && field !== "note";
      expect(fieldOf(event, field), event.event_id).toBe(isLeftOut ? undefined : sent);
    }
    // Most are strange and not wrong.
    expect(acceptedIds.size).toBeGreaterThan(100);
    const refused = events.filter(({ event_id }) => !acceptedIds.has(event_id));
    const kept = (await world.quarantined()).map((item: { bytes_base64: string }) =>
      Buffer.from(item.bytes_base64, "base64").toString(),
    );
    for (const event of refused) expect(kept).toContain(JSON.stringify(event));
  });
});
