import { randomUUID } from "node:crypto";
import { createFolderObjects } from "@trueclick/archive/clickhouseObjects";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { dayBounds, dayOf } from "@trueclick/shared/calendar";
import { campaignIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS } from "@trueclick/shared/time";
import { isNull } from "drizzle-orm";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createClickHouseCopySearch } from "./adapters/clickhouseCopySearch.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const CAMPAIGN = {
  id: campaignIdSchema.parse("cmp_1"),
  startsMs: null,
  endsMs: null,
  rates: [],
  statuses: [],
  requirements: [],
};
const DAY = dayBounds(dayOf(NOON_MS, "UTC"), "UTC");

let world: BatchWorld;
beforeEach(async () => {
  world = await openBatchWorld();
});
afterEach(() => world.close());

async function archive(id: string, hours: number): Promise<void> {
  const at = { event_time: NOON_MS + hours * HOUR_MS };
  const others = Array.from({ length: 4 }, () => storedEvent({ ...at, event_id: randomUUID() }));
  await world.archive.append([storedEvent({ ...at, event_id: id }), ...others]);
  await world.archive.archiveAll();
}

const hoursFound = async () => {
  const paths = await world.stores.engine.findCopies([CAMPAIGN], DAY);
  return paths.map((path) => path.slice(0, 28)).sort();
};
const hourOf = (hours: number) =>
  `raw/event_hour=${new Date(NOON_MS + hours * HOUR_MS).toISOString().slice(0, 13)}`;

it("finds an id that comes back, whichever of them was looked up first", async () => {
  await archive("event-once", 0);
  await archive("event-again", -1);
  await world.stores.copySearch.search();
  expect(await hoursFound()).toEqual([]);
  await archive("event-again", -72);
  await world.stores.copySearch.search();
  await archive("event-again", -48);
  await world.stores.copySearch.search();
  expect(await hoursFound()).toEqual([hourOf(-72), hourOf(-48), hourOf(-1)]);
});

it("finds an id whose other copies all came later than what is looked up", async () => {
  await archive("event-again", 0);
  await world.stores.copySearch.search();
  await archive("event-again", -5);
  await world.stores.copySearch.search();
  expect(await hoursFound()).toEqual([hourOf(-5), hourOf(0)]);
});

// A retry has the event time of its first copy: nearly all copies, and none that this is about.
it("leaves out an id that comes back in its own hour", async () => {
  await archive("event-retried", 0);
  await archive("event-retried", 0);
  await world.stores.copySearch.search();
  expect(await hoursFound()).toEqual([]);
});

it("looks every object up once, also when several do it at once", async () => {
  await archive("event-again", 0);
  await archive("event-again", -5);
  await Promise.all(Array.from({ length: 3 }, () => world.stores.copySearch.search()));
  expect(await hoursFound()).toEqual([hourOf(-5), hourOf(0)]);
  const { db } = world.archive;
  const left = await db
    .select()
    .from(archiveObjects)
    .where(isNull(archiveObjects.copiesSearchedAt));
  expect(left).toEqual([]);
});

it("finds ids that come back in hours that are all new, however many", async () => {
  for (const hours of [0, -2, -4, -6]) await archive("event-again", hours);
  await archive("event-once", -3);
  await world.stores.copySearch.search();
  expect(await hoursFound()).toEqual([hourOf(-6), hourOf(-4), hourOf(-2), hourOf(0)]);
});

// One damaged object must not keep the days from being counted that have nothing to do with it.
it("finds the ids of objects that cannot be read in the index", async () => {
  await archive("event-again", 0);
  await archive("event-again", -5);
  const { db, clickhouse, objectsDir, topic } = world.archive;
  const elsewhere = createFolderObjects(`${objectsDir}-gone`);
  await createClickHouseCopySearch(db, clickhouse, elsewhere, topic).search();
  expect(await hoursFound()).toEqual([hourOf(-5), hourOf(0)]);
});
