import { objectPath } from "@trueclick/archive/domain/objectPath";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { archiveCheckpoints, archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { HOUR_MS } from "@trueclick/shared/time";
import { eq, sql } from "drizzle-orm";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import type { StretchStores } from "./pipeline/archiveStretch.ts";
import { StaleEpochError } from "./ports/manifest.ts";
import { type ArchiveWorld, openArchiveWorld, WIDE } from "./testing/archiveWorld.ts";

let world: ArchiveWorld;
beforeEach(async () => {
  world = await openArchiveWorld();
});
afterEach(() => world.close());

/** Events of six hours, some of them late, in the order in which they were appended. */
function manyEvents(count: number) {
  return Array.from({ length: count }, (_, at) =>
    storedEvent({
      event_id: `evt-${String(at).padStart(6, "0")}`,
      event_time: NOON_MS - (at % 6) * HOUR_MS,
    }),
  );
}

/** What readers of the manifest see: the rows of all objects that it names. */
async function archivedRows() {
  const paths = await world.db.select({ path: archiveObjects.path }).from(archiveObjects);
  const result = await world.clickhouse.query({
    query: `SELECT partition, offset, \`index\`, event_id, event_type, toUnixTimestamp64Milli(event_time) AS time,
        hex(event_id128) AS key, hex(substring(SHA256(event_id), 1, 16)) AS expectedKey,
        unparseable, line, ext, flags, test, token, campaign_id, path, row
      FROM ${world.clickhouseObjects.rowsOf(paths.map(({ path }) => path))}
      ORDER BY partition, offset, \`index\``,
    format: "JSONEachRow",
    clickhouse_settings: { use_hive_partitioning: 0 },
  });
  return z.array(z.record(z.string(), z.unknown())).parse(await result.json());
}

async function indexedIds() {
  const result = await world.clickhouse.query({
    query: "SELECT event_id, path, row FROM event_index FINAL ORDER BY event_id",
    format: "JSONEachRow",
  });
  return z
    .array(z.object({ event_id: z.string(), path: z.string(), row: z.number() }))
    .parse(await result.json());
}

// I3. A verdict may be appealed: the archive must hold what was received, to the byte.
it("keeps every received line with its bytes, typed fields beside, the unreadable ones flagged", async () => {
  const event = storedEvent({
    event_id: "evt-ünïcode".replaceAll(/[^\x20-\x7e]/g, "x"),
    user_agent: "quote ' and \\ and \u{1f600}",
    ext: { kept: [1, { deep: true }] },
    flags: ["token_ok", "prefetch"],
    test: true,
  });
  const line = ` ${JSON.stringify(event)} `;
  await world.appendBlock(
    1,
    Buffer.from(`${line}\nno json\r\n{"event_id":"x"}\n`),
    NOON_MS + HOUR_MS,
  );
  await world.archiveAll();

  const rows = await archivedRows();
  expect(rows.map((row) => [row["index"], row["line"], row["unparseable"]])).toEqual([
    [0, line, false],
    [1, "no json", true],
    [2, '{"event_id":"x"}', true],
  ]);
  expect(rows[0]).toMatchObject({
    event_id: event.event_id,
    event_type: "click",
    time: String(NOON_MS),
    ext: '{"kept":[1,{"deep":true}]}',
    flags: "token_ok,prefetch",
    test: true,
    token: "",
  });
  expect(rows[0]?.["key"]).toBe(rows[0]?.["expectedKey"]);
  const hours = await world.db.select({ hour: archiveObjects.eventHour }).from(archiveObjects);
  expect(new Set(hours.map(({ hour }) => hour.getTime()))).toEqual(
    new Set([NOON_MS, NOON_MS + HOUR_MS]),
  );
  expect(await world.check()).toMatchObject({ rows: 3n, problems: [] });
});

// I4. Whatever is read again must not be archived again.
it("archives nothing twice, however often it starts", async () => {
  await world.append(manyEvents(50));
  await world.archiveAll({ limits: { eventsMax: 15, bytesMax: 10_000_000, hoursMax: 100 } });
  const first = await world.check();
  await world.archiveAll();
  expect(await world.check()).toEqual(first);
  expect(first).toMatchObject({ rows: 50n, problems: [] });

  const rows = await archivedRows();
  expect(rows).toHaveLength(50);
  const indexed = await indexedIds();
  expect(indexed.map(({ event_id, path, row }) => [event_id, path, row])).toEqual(
    rows
      .map((row) => [row["event_id"], row["path"], Number(row["row"])])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );
});

const CRASHES = ["before index", "after index", "before commit", "after commit"] as const;

/** The real stores, but the process dies at one place, the given time that it comes by. */
function dyingStores(
  stores: StretchStores,
  place: (typeof CRASHES)[number],
  at: number,
): StretchStores {
  let passes = 0;
  const die = (here: typeof place) => {
    if (here !== place) return;
    passes += 1;
    if (passes === at) throw new Error(`died ${place}`);
  };
  return {
    ...stores,
    index: {
      async add(paths) {
        die("before index");
        await stores.index.add(paths);
        die("after index");
      },
    },
    manifest: {
      acquire: (partition, startOffset) => stores.manifest.acquire(partition, startOffset),
      async commit(epoch, stretch, objects) {
        die("before commit");
        await stores.manifest.commit(epoch, stretch, objects);
        die("after commit");
      },
    },
  };
}

// A crash may come between any two effects, and the next attempt may cut its stretches elsewhere,
// because by then more has been appended. If this fails, clicks are billed twice or never.
it("holds every event once, wherever it dies and wherever the retry cuts", async () => {
  let serial = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...CRASHES),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      async (place, at, eventsBefore, eventsAfter) => {
        const base = serial;
        const events = Array.from({ length: 30 }, () => {
          serial += 1;
          return storedEvent({
            event_id: `evt-${String(serial).padStart(6, "0")}`,
            event_time: NOON_MS - (serial % 5) * HOUR_MS,
          });
        });
        await world.append(events.slice(0, 20));
        const stores = dyingStores(world.stores, place, at);
        const limits = { eventsMax: eventsBefore, bytesMax: 1_000_000, hoursMax: 100 };
        await world.archiveAll({ limits, stores }).catch((error: unknown) => {
          expect(String(error)).toContain("died");
        });
        await world.append(events.slice(20));
        await world.archiveAll({
          limits: { eventsMax: eventsAfter, bytesMax: 1_000_000, hoursMax: 100 },
        });

        expect(await world.check()).toMatchObject({ rows: BigInt(base + 30), problems: [] });
        const rows = await archivedRows();
        expect(new Set(rows.map((row) => row["event_id"])).size).toBe(rows.length);
        expect(await indexedIds()).toHaveLength(base + 30);
      },
    ),
    { numRuns: 12 },
  );
});

// A program of another version may make other bytes of the same rows. An object that a manifest
// names must stay as its hash says.
it("never overwrites an object, and gives the new bytes a name of their own", async () => {
  await world.append(manyEvents(6));
  const { endOffset } = await world.reader.offsets(0);
  const path = objectPath({
    eventHourMs: NOON_MS,
    partition: 0,
    firstOffset: 0n,
    lastOffset: endOffset - 1n,
  });
  const orphan = Buffer.from("left by an attempt that died");
  await world.objects.putIfAbsent(path, orphan);

  await world.archiveAll();
  expect(await world.objects.get(path)).toEqual(orphan);
  expect(await world.check()).toMatchObject({ rows: 6n, problems: [] });
});

it("lets a deposed holder commit nothing", async () => {
  await world.append(manyEvents(6));
  const { manifest } = world.stores;
  const old = await manifest.acquire(0, 0n);
  const fresh = await manifest.acquire(0, 0n);
  const place = { partition: 0, firstOffset: 0n, lastOffset: 0n };
  const stretch = { ...place, events: 0, newestAppendMs: NOON_MS };
  await expect(manifest.commit(old.epoch, stretch, [])).rejects.toThrow(StaleEpochError);
  await manifest.commit(fresh.epoch, stretch, []);
  await expect(manifest.commit(fresh.epoch, stretch, [])).rejects.toThrow(StaleEpochError);
  const [checkpoint] = await world.db.select().from(archiveCheckpoints);
  expect(checkpoint).toMatchObject({ nextOffset: 1n, epoch: fresh.epoch });
});

it("finds a missing object, a damaged one, a gap and rows that do not add up", async () => {
  await world.append(manyEvents(60));
  await world.archiveAll({ limits: { eventsMax: 10, bytesMax: WIDE.bytesMax, hoursMax: 100 } });
  const objects = await world.db
    .select()
    .from(archiveObjects)
    .where(eq(archiveObjects.partition, 1))
    .orderBy(archiveObjects.path);
  await world.db.execute(
    sql`update archive_objects set sha256 = repeat('0', 64) where path = ${objects[0]?.path}`,
  );
  await world.db.execute(
    sql`update archive_objects set path = path || '.gone' where path = ${objects[1]?.path}`,
  );
  await world.db.execute(
    sql`update archive_stretches set events = events + 1 where first_offset = 0 and partition = 1`,
  );
  await world.db.execute(sql`delete from archive_stretches where partition = 0 and first_offset =
    (select first_offset from archive_stretches where partition = 0 order by first_offset offset 1 limit 1)`);

  const { problems } = await world.check();
  const kinds = new Set(problems.map(({ kind }) => kind));
  expect(kinds).toEqual(
    new Set(["gap", "rows_differ", "object_missing", "object_damaged", "object_without_stretch"]),
  );
});
