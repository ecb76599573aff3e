import { rename } from "node:fs/promises";
import { join } from "node:path";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { dayBounds, dayOf } from "@trueclick/shared/calendar";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { JobRefusedError } from "./ports/jobQueue.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
const { fromMs } = dayBounds(DAY, "UTC");

let world: BatchWorld;
beforeEach(async () => {
  world = await openBatchWorld();
  await world.addAdvertiser("adv_1", {
    timeZone: "UTC",
    campaigns: [{ id: "cmp_1", rates: [[0, 100n]] }],
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await world.close();
});

/** Archives one event as an object of its own, and answers with the file. */
async function archive(fields: Partial<StoredEvent> & { event_id: string }): Promise<string> {
  const list = () => Array.fromAsync(world.stores.objects.list("raw/"));
  const before = new Set(await list());
  await world.archive.append([storedEvent(fields)]);
  await world.archive.archiveAll();
  const added = (await list()).find((path) => !before.has(path)) ?? "";
  return join(world.archive.objectsDir, added);
}

/** Does something around a statement of the engine, which runs as it is. */
function around(name: string, wrap: (run: () => Promise<unknown>) => Promise<void>): void {
  const { clickhouse } = world.archive;
  const command = clickhouse.command.bind(clickhouse);
  vi.spyOn(clickhouse, "command").mockImplementation(async (params) => {
    if (params.clickhouse_settings?.log_comment !== name) return command(params);
    let done: ReturnType<typeof command> | undefined;
    await wrap(() => {
      done = command(params);
      return done;
    });
    return done ?? command(params);
  });
}

const hidden = (file: string) => `${file}.hidden`;

async function refuses(message: string): Promise<void> {
  const run = world.recount("adv_1", DAY);
  await expect(run).rejects.toThrow(JobRefusedError);
  await expect(run).rejects.toThrow(message);
  expect(await world.current("adv_1", DAY)).toBeNull();
}

/** Once nothing disturbs it any more: the other of two copies has this verdict. */
async function countsOneOfTwo(verdict: string): Promise<void> {
  vi.restoreAllMocks();
  for (const { id } of await world.jobs()) await world.queue.fail(BigInt(id), "refused");
  await world.recount("adv_1", DAY);
  expect((await world.current("adv_1", DAY))?.rejects).toMatchObject([{ verdict }]);
}

// Keys that saw both copies, and a sieve that saw one of them: it looks like the only one, so both would be
// valid and both billed.
it("publishes nothing of a slice whose sieve has read less than its keys, and names the hour", async () => {
  await archive({ event_id: "event-copied" });
  const copy = await archive({ event_id: "event-copied" });
  around("batch.sieve", async (run) => {
    await rename(copy, hidden(copy));
    await run();
    await rename(hidden(copy), copy);
  });
  await refuses(
    `the sieve read other events than the keys in hour ${new Date(NOON_MS).toISOString()} (1 too few)`,
  );
  await countsOneOfTwo("duplicate");
});

// What a copy in another hour tells of a click is not among its own rows: nobody misses it there.
it("publishes nothing that was judged by objects which are gone by then", async () => {
  const time = { event_time: fromMs - 10 * MINUTE_MS, ingest_time: fromMs - 9 * MINUTE_MS };
  const earlier = await archive({ event_id: "event-copied", ...time });
  await archive({ event_id: "event-copied", event_time: fromMs + 10 * MINUTE_MS });
  // As a run has read them that checks them before the engine reads.
  const bytes = new Map<string, Uint8Array | null>();
  const { objects } = world.stores;
  for await (const path of objects.list("raw/")) bytes.set(path, await objects.get(path));
  vi.spyOn(objects, "get").mockImplementation(async (path) => bytes.get(path) ?? null);
  around("batch.suspectIds", async (run) => {
    await rename(earlier, hidden(earlier));
    await run();
  });
  const [from, to] = [fromMs, fromMs + HOUR_MS].map((ms) => new Date(ms).toISOString());
  await refuses(
    `once the hours from ${from} to ${to} were judged, the objects that they were judged by had 1 rows, and not 2`,
  );
  await rename(hidden(earlier), earlier);
  await countsOneOfTwo("id_conflict");
});
