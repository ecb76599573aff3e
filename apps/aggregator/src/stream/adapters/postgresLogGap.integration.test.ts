import { type Database, openDatabase } from "@trueclick/db/postgres/database";
import { archiveStretches } from "@trueclick/db/postgres/schema/archive";
import { hotRollups, streamDirtyHours, streamGaps } from "@trueclick/db/postgres/schema/stream";
import { createMigratedDatabase } from "@trueclick/db/testing/migratedDatabase";
import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createPostgresManifest } from "../../archive/adapters/postgresManifest.ts";
import { createPostgresDirtyHours } from "../../backfill/adapters/postgresDirtyHours.ts";
import { createPostgresRollups } from "../../backfill/adapters/postgresRollups.ts";
import { initialCheckpoint } from "../domain/partitionEngine.ts";
import { StaleEpochError } from "../ports/checkpointStore.ts";
import { createPostgresCheckpointStore } from "./postgresCheckpointStore.ts";
import { markDirty } from "./postgresDirtyHours.ts";

const HOUR = Date.UTC(2026, 2, 2, 10);
/** What has begun to be read at offset 5; its windows need what lies from 3 on. */
const CHECKPOINT = {
  ...initialCheckpoint(0n),
  nextOffset: 5n,
  restartOffset: 3n,
  watermarkMs: HOUR,
  appendTimeMs: HOUR + 2 * MINUTE_MS,
};
/** The log has lost what lies before 9, and ends at 20. */
const START = 9n;
const LOG = { startOffset: 0n, endOffset: 20n };

let database: Awaited<ReturnType<typeof createMigratedDatabase>>;
let opened: ReturnType<typeof openDatabase>;
let db: Database;
let topic = "";
let topics = 0;
beforeAll(async () => {
  database = await createMigratedDatabase();
  opened = openDatabase(database.url, { connectionsMax: 4 });
  db = opened.db;
});
afterAll(async () => {
  await opened.close();
  await database.drop();
});
beforeEach(() => {
  topics += 1;
  topic = `topic_${topics}`;
});

async function owner() {
  const store = createPostgresCheckpointStore(db, topic);
  await store.commit(await store.acquire(0, LOG), CHECKPOINT, []);
  return { store, owned: await store.acquire(0, LOG) };
}

/** Archives one record to each offset, with an object of one hour. */
async function archive(firstOffset: bigint, lastOffset: bigint, hourMs: number, newestMs: number) {
  const manifest = createPostgresManifest(db, topic);
  const { epoch } = await manifest.acquire(0, firstOffset);
  const stretch = { partition: 0, firstOffset, lastOffset, events: 1, newestAppendMs: newestMs };
  const path = `${topic}/${firstOffset}`;
  const object = { path, eventHourMs: hourMs, rows: 1, bytes: 1, sha256: "0".repeat(64) };
  await manifest.commit(epoch, stretch, [object]);
}

const dirty = async () => {
  const rows = await db.select().from(streamDirtyHours).where(eq(streamDirtyHours.topic, topic));
  return rows
    .map(({ eventHour, cause }) => `${(eventHour.getTime() - HOUR) / HOUR_MS} ${cause}`)
    .sort();
};
const gaps = () => db.select().from(streamGaps).where(eq(streamGaps.topic, topic));

describe("a gap of the log", () => {
  // Whoever had read the lost records, and died, left evidence that was judged by their times.
  it("takes the append times of what was lost from the archive, and marks its hours", async () => {
    const { store, owned } = await owner();
    await archive(0n, 6n, HOUR, HOUR + 3 * MINUTE_MS);
    await archive(7n, 8n, HOUR + HOUR_MS, HOUR + 7 * MINUTE_MS);
    await archive(9n, 12n, HOUR + 2 * HOUR_MS, HOUR + 30 * MINUTE_MS);
    const gap = await store.skipExpired(owned, START);
    // Its answer was lost.
    expect(await store.skipExpired(owned, START)).toEqual(gap);

    expect(gap).toEqual({ fromOffset: 3n, toOffset: 9n, hours: 2, archived: true });
    expect((await store.acquire(0, { ...LOG, startOffset: START })).checkpoint).toEqual({
      ...CHECKPOINT,
      nextOffset: 9n,
      restartOffset: 9n,
      appendTimeMs: HOUR + 7 * MINUTE_MS,
    });
    expect(await dirty()).toEqual(["0 expired", "1 expired"]);
    expect(await gaps()).toMatchObject([{ archived: true, unsureUntil: null }]);
  });

  it("waits for an archive that lags, and marks what may be wrong once it has come there", async () => {
    const { store, owned } = await owner();
    const dirtyHours = createPostgresDirtyHours(db, topic);
    await archive(0n, 6n, HOUR, HOUR + 3 * MINUTE_MS);
    expect(await store.skipExpired(owned, START)).toMatchObject({ hours: 1, archived: false });
    expect(await gaps()).toMatchObject([{ archived: false, unsureUntil: 20n }]);

    await archive(7n, 18n, HOUR + HOUR_MS, HOUR + 7 * MINUTE_MS);
    await dirtyHours.settleGaps();
    expect(await dirty()).toEqual(["0 expired"]);

    await archive(19n, 19n, HOUR + 2 * HOUR_MS, HOUR + 9 * MINUTE_MS);
    await dirtyHours.settleGaps();
    await dirtyHours.settleGaps();
    expect(await dirty()).toEqual(["0 expired", "1 expired", "2 expired"]);
    expect(await gaps()).toMatchObject([{ archived: true, unsureUntil: null, hours: 2 }]);
  });

  it("does not call a stretch archived of which the archive has a hole", async () => {
    const { store, owned } = await owner();
    await archive(0n, 6n, HOUR, HOUR);
    await archive(7n, 30n, HOUR, HOUR);
    await db.delete(archiveStretches).where(eq(archiveStretches.firstOffset, 0n));
    expect(await store.skipExpired(owned, START)).toMatchObject({ archived: false });
    await createPostgresDirtyHours(db, topic).settleGaps();
    expect(await gaps()).toMatchObject([{ archived: false, unsureUntil: null }]);
  });

  it("is passed by nobody who was deposed", async () => {
    const { store, owned } = await owner();
    await store.acquire(0, LOG);
    await expect(store.skipExpired(owned, START)).rejects.toBeInstanceOf(StaleEpochError);
    expect(await gaps()).toEqual([]);
  });

  // The greater of two counts stays in hours; a part of a log can count too much.
  it("holds rollups back until its hours are counted again", async () => {
    const { store, owned } = await owner();
    const rollups = createPostgresRollups(db, topic);
    const dirtyHours = createPostgresDirtyHours(db, topic);
    expect((await rollups.state()).brokenMs).toBeNull();
    await archive(0n, 6n, HOUR, HOUR);
    await store.skipExpired(owned, START);
    expect((await rollups.state()).brokenMs).toBe(0);
    await archive(7n, 19n, HOUR, HOUR);
    await dirtyHours.settleGaps();
    expect((await rollups.state()).brokenMs).toBe(HOUR);
    for (const hour of await dirtyHours.open(0, [])) {
      await dirtyHours.healed(hour, { events: 1, corrected: 0, startedAt: new Date() });
    }
    expect((await rollups.state()).brokenMs).toBeNull();
    expect(await db.select().from(hotRollups)).toEqual([]);
  });
});

it("marks the hours that a log's start cuts", async () => {
  const { store, owned } = await owner();
  const facts = { degradedHoursMs: [], cutHoursMs: [HOUR + HOUR_MS], modeChange: null };
  await store.commit(owned, { ...CHECKPOINT, nextOffset: 6n }, [], facts);
  expect(await dirty()).toEqual(["1 expired"]);
});

// However many hours of damaged objects there are, the others are looked at.
it("gives hours that could not be healed last, the most of them left out", async () => {
  const hoursMs = Array.from({ length: 1_001 }, (_none, place) => HOUR + place * HOUR_MS);
  await markDirty(db, { topic, partition: 0, offsetFrom: 0n, cause: "late" }, hoursMs);
  const dirtyHours = createPostgresDirtyHours(db, topic);
  const [newest = 0] = hoursMs.slice(-1);
  const taken = (await dirtyHours.open(0, [])).map(({ hourMs }) => hourMs);
  expect(taken).not.toContain(newest);
  const [first] = await dirtyHours.open(0, hoursMs.slice(0, -1));
  expect(first?.hourMs).toBe(newest);
});
