import type { LogRecord } from "@trueclick/event-log";
import { blockLines } from "@trueclick/shared/event/block";
import { MINUTE_MS } from "@trueclick/shared/time";
import { quickVerdict } from "@trueclick/shared/verdict";
import fc from "fast-check";
import { expect, it } from "vitest";
import { campaignKnownAt } from "../domain/campaigns.ts";
import { parseStreamEvent, type StreamEvent } from "../domain/streamEvent.ts";
import { HASH_KEY } from "../testing/fixtures.ts";
import { CHANGING_CAMPAIGNS, partitionLog } from "../testing/logArbitrary.ts";
import { MemoryLogReader } from "../testing/memoryLog.ts";
import { MemoryCheckpointStore, MemoryHotStore } from "../testing/memoryStores.ts";
import { type Life, live, type World } from "../testing/unreliable.ts";

const ALLOWED_LATENESS_MS = 2 * MINUTE_MS;
/** For a loaded machine; alone, each takes seconds. */
const PATIENCE_MS = 120_000;
const PLENTY = 1_000_000;
const TO_THE_END: Life = {
  recordsMax: 3,
  effects: Number.POSITIVE_INFINITY,
  reached: true,
  foresees: false,
};
const REPLAY: Life = { ...TO_THE_END, recordsMax: 1, foresees: true };

function worldOf(log: readonly LogRecord[]): World {
  return {
    log: new MemoryLogReader(log),
    hotStore: new MemoryHotStore(),
    checkpoints: new MemoryCheckpointStore(),
    campaigns: CHANGING_CAMPAIGNS,
  };
}

function optionsOf(openEntriesMax: number) {
  return {
    partition: 0,
    allowedLatenessMs: ALLOWED_LATENESS_MS,
    openEntriesMax,
    hashKey: HASH_KEY,
  };
}

/** All that readers of the stores can see, but the epoch. */
function visible({ hotStore, checkpoints }: World) {
  return {
    cells: hotStore.cells,
    rejects: hotStore.rejects,
    checkpoint: checkpoints.rows.get(0)?.checkpoint,
  };
}

const lives = fc.array(
  fc.record({
    recordsMax: fc.integer({ min: 1, max: 4 }),
    effects: fc.nat({ max: 25 }),
    reached: fc.boolean(),
    foresees: fc.boolean(),
    /** How many lives later it comes back as a zombie; past the last, it never does. */
    returnsAfter: fc.nat({ max: 5 }),
  }),
  { maxLength: 4 },
);

const openEntriesMax = fc.oneof(fc.constant(PLENTY), fc.integer({ min: 1, max: 30 }));

// A process dies between any two lines, its successor starts from whatever was committed, and the
// dead may turn out to have been only slow. If this fails, a restart changes what a report says.
it(
  "leaves the same rows wherever it crashes and whoever comes back late",
  async () => {
    await fc.assert(
      fc.asyncProperty(partitionLog, lives, openEntriesMax, async (log, halting, entriesMax) => {
        const options = optionsOf(entriesMax);
        const uninterrupted = worldOf(log);
        await live(uninterrupted, options, TO_THE_END);

        const world = worldOf(log);
        const halted: { readonly returnsAt: number; readonly resume: () => Promise<void> }[] = [];
        const lastLife = { ...TO_THE_END, returnsAfter: 0 };
        for (const [turn, life] of [...halting, lastLife].entries()) {
          const { resume } = await live(world, options, life);
          halted.push({ returnsAt: turn + life.returnsAfter, resume });
          for (const zombie of halted.filter(({ returnsAt }) => returnsAt === turn)) {
            await zombie.resume();
          }
        }

        expect(visible(world)).toEqual(visible(uninterrupted));
      }),
      { numRuns: 1_000 },
    );
  },
  PATIENCE_MS,
);

it(
  "leaves every row as it was when the whole log is read again",
  async () => {
    await fc.assert(
      fc.asyncProperty(partitionLog, openEntriesMax, async (log, entriesMax) => {
        const world = worldOf(log);
        await live(world, optionsOf(entriesMax), TO_THE_END);
        const before = structuredClone(visible(world));
        world.checkpoints.rows.clear();
        await live(world, optionsOf(entriesMax), REPLAY);
        expect(visible(world)).toEqual(before);
      }),
    );
  },
  PATIENCE_MS,
);

/** What became of each event, by the definitions alone. */
function outcomesByDefinition(log: readonly LogRecord[]): string[] {
  const firstPayloads = new Map<string, string>();
  let newestMs = Number.NEGATIVE_INFINITY;
  const outcomeOf = (event: StreamEvent | null, appendTimeMs: number) => {
    if (event === null || event.eventTimeMs > appendTimeMs + 60 * MINUTE_MS) return "unparseable";
    const { eventType, eventTimeMs, campaignId, adId } = event;
    const minute = Math.floor(eventTimeMs / MINUTE_MS);
    if ((minute + 1) * MINUTE_MS <= newestMs - ALLOWED_LATENESS_MS) return "late";
    const payload = [eventType, eventTimeMs, campaignId, adId].join();
    const first = firstPayloads.get(`${minute}/${event.eventId}`);
    if (first !== undefined) return first === payload ? "duplicate" : "id_conflict";
    firstPayloads.set(`${minute}/${event.eventId}`, payload);
    const campaignKnown = campaignKnownAt(CHANGING_CAMPAIGNS, campaignId, appendTimeMs) !== null;
    return quickVerdict({ ...event, campaignKnown });
  };
  return log.flatMap(({ appendTimeMs, value }) => {
    newestMs = Math.max(newestMs, appendTimeMs);
    return blockLines(value).map((line) => outcomeOf(parseStreamEvent(line), appendTimeMs));
  });
}

/** How often each word occurs. */
function tally(words: readonly string[]) {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

it(
  "decides on every event as the definitions say, and on each exactly once",
  async () => {
    await fc.assert(
      fc.asyncProperty(partitionLog, async (log) => {
        const world = worldOf(log);
        await live(world, optionsOf(PLENTY), TO_THE_END);

        const outcomes = outcomesByDefinition(log);
        const { cells, rejects, checkpoint } = visible(world);
        const reasons = [...rejects.values()].map(({ reason }) => reason);
        expect(tally(reasons)).toEqual(tally(outcomes.filter((word) => word !== "valid")));

        const counted = outcomes.filter((word) => word === "valid").length;
        for (const cube of ["ad", "geo", "device", "publisher"]) {
          const shown = [...cells.values()].filter((cell) => cell.cube === cube);
          const events = shown.map((cell) => cell.clicks + cell.impressions + cell.conversions);
          expect(events.reduce((sum, count) => sum + count, 0)).toBe(counted);
        }

        const totals = Object.values(checkpoint?.totals ?? {});
        expect(totals.reduce((sum, count) => sum + count, 0)).toBe(outcomes.length);
        expect(checkpoint?.totals.counted).toBe(counted);
      }),
    );
  },
  PATIENCE_MS,
);
