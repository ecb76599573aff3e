import { hash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { objectPath } from "@trueclick/archive/domain/objectPath";
import { createFolderObjectStore } from "@trueclick/archive/folderObjectStore";
import { type OpenDatabase, openDatabase } from "@trueclick/db/postgres/database";
import {
  archiveCheckpoints,
  archiveObjects,
  archiveStretches,
} from "@trueclick/db/postgres/schema/archive";
import { createMigratedDatabase } from "@trueclick/db/testing/migratedDatabase";
import { createPostgresEventLog } from "@trueclick/event-log/postgres";
import type { TestDatabase } from "@trueclick/local-stack/testing";
import { and, eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { runCli } from "../program.ts";

const TOPIC = "clicks.raw";
const HOUR_MS = Date.UTC(2026, 2, 1, 7);
const STRETCHES = [
  [0n, 9n],
  [10n, 19n],
  [20n, 29n],
] as const;

let test: TestDatabase;
let database: OpenDatabase;
let dir: string;
beforeAll(async () => {
  test = await createMigratedDatabase();
  database = openDatabase(test.url, { connectionsMax: 2 });
});
afterAll(async () => {
  await database.close();
  await test.drop();
  await rm(dir, { recursive: true, force: true });
});

const pathOf = (firstOffset: bigint, lastOffset: bigint) =>
  objectPath({ eventHourMs: HOUR_MS, partition: 0, firstOffset, lastOffset });
const bytesOf = (path: string) => Buffer.from(`bytes of ${path}`);
const store = () => createFolderObjectStore(dir);

/** Three stretches of one partition with one object each, all in one hour. */
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trueclick-check-"));
  const { db } = database;
  for (const table of [archiveObjects, archiveStretches, archiveCheckpoints]) {
    await db.delete(table);
  }
  const key = { topic: TOPIC, partition: 0 };
  await db
    .insert(archiveCheckpoints)
    .values({ ...key, epoch: 1n, startOffset: 0n, nextOffset: 30n });
  for (const [firstOffset, lastOffset] of STRETCHES) {
    await db.insert(archiveStretches).values({ ...key, firstOffset, lastOffset, events: 5n });
    await addObject(firstOffset, lastOffset, {});
  }
});

async function addObject(
  firstOffset: bigint,
  lastOffset: bigint,
  differences: Partial<typeof archiveObjects.$inferInsert>,
) {
  const path = pathOf(firstOffset, lastOffset);
  await store().putIfAbsent(path, bytesOf(path));
  await database.db.insert(archiveObjects).values({
    ...{ path, topic: TOPIC, partition: 0, firstOffset, lastOffset },
    ...{ eventHour: new Date(HOUR_MS), rows: 5n, bytes: BigInt(bytesOf(path).length) },
    sha256: hash("sha256", bytesOf(path)),
    ...differences,
  });
}

const reportSchema = z.object({
  whole: z.boolean(),
  log_asked: z.boolean(),
  rows: z.number(),
  kept: z.number(),
  orphans: z.array(z.string()),
  problems: z.array(z.object({ kind: z.string(), detail: z.string() })),
});

const check = (...args: string[]) => checkWith({}, ...args);

async function checkWith(settings: Record<string, string>, ...args: string[]) {
  const out: string[] = [];
  const stdout = { write: (text: string) => out.push(text) };
  const stderr = { write: () => {}, isTTY: false, columns: 80 };
  const { signal } = new AbortController();
  const env = {
    DATABASE_URL: test.url,
    CLICKHOUSE_URL: "http://127.0.0.1:1/x",
    OBJECTS_DIR: dir,
    ...settings,
  };
  const code = await runCli(["archive", "check", "--json", ...args], {
    ...{ env, root: "/nonexistent", stdin: process.stdin, stdout, stderr },
    ...{ stop: signal, force: signal },
  });
  return { code, ...reportSchema.parse(JSON.parse(out.join(""))) };
}

it("ends with 0 for a whole archive", async () => {
  expect(await check()).toEqual({
    ...{ code: 0, whole: true, log_asked: true, rows: 15, kept: 0, orphans: [], problems: [] },
  });
});

// What nobody archived is in no manifest: only the log can tell.
it("misses a partition of the log that was never archived", async () => {
  const log = createPostgresEventLog({ connectionString: test.url });
  const admin = log.admin();
  await admin.ensureTopic(TOPIC, { partitionCount: 3, retentionMs: null });
  const appender = await log.appender(TOPIC);
  await appender.append([0, 1].map((partition) => ({ partition, value: Buffer.from("{}") })));
  await Promise.all([appender.close(), admin.close()]);
  expect(await check()).toMatchObject({
    code: 1,
    whole: false,
    problems: [{ kind: "not_archived", detail: expect.stringContaining("offsets 0-0") }],
  });
  await database.db.execute(sql`drop schema event_log cascade`);
});

it("says that it could not ask the log, and checks the rest", async () => {
  const unreachable = { KAFKA_BROKERS: "127.0.0.1:1" };
  expect(await checkWith(unreachable)).toMatchObject({ code: 0, rows: 15, log_asked: false });
});

const path = pathOf(10n, 19n);
const stretch = and(eq(archiveStretches.topic, TOPIC), eq(archiveStretches.firstOffset, 10n));
/** The same length: only the hash can tell. */
const damaged = bytesOf(path).map((byte, at) => (at === 3 ? byte ^ 1 : byte));

it.each<[string, () => Promise<unknown>, string, string]>([
  ["a missing object", () => store().remove(path), "object_missing", path],
  ["one flipped bit", () => writeFile(join(dir, path), damaged), "object_damaged", path],
  ["a cut object", () => writeFile(join(dir, path), "cut"), "object_damaged", path],
  [
    "a stretch that is gone with its object",
    async () => {
      await database.db.delete(archiveStretches).where(stretch);
      await database.db.delete(archiveObjects).where(eq(archiveObjects.path, path));
      await store().remove(path);
    },
    "gap",
    "offsets 10-19 before 20-29 are not archived",
  ],
  [
    "the first stretch being gone",
    async () => {
      const first = eq(archiveStretches.firstOffset, 0n);
      await database.db.delete(archiveStretches).where(first);
      await database.db.delete(archiveObjects).where(eq(archiveObjects.firstOffset, 0n));
      await store().remove(pathOf(0n, 9n));
    },
    "gap",
    "offsets 0-9 before 10-19 are not archived",
  ],
  [
    "the last stretch being gone",
    async () => {
      const last = eq(archiveStretches.firstOffset, 20n);
      await database.db.delete(archiveStretches).where(last);
      await database.db.delete(archiveObjects).where(eq(archiveObjects.firstOffset, 20n));
      await store().remove(pathOf(20n, 29n));
    },
    "checkpoint_differs",
    "the checkpoint is at 30, the last stretch ends before 20",
  ],
  [
    "an object that no stretch has",
    () => database.db.delete(archiveStretches).where(stretch),
    "object_without_stretch",
    path,
  ],
  [
    "rows that do not add up",
    () => database.db.update(archiveStretches).set({ events: 6n }).where(stretch),
    "rows_differ",
    "10-19 has 6 events but its objects have 5 rows",
  ],
  [
    "a stretch that overlaps",
    async () => {
      const key = { topic: TOPIC, partition: 0, firstOffset: 15n, lastOffset: 25n };
      await database.db.insert(archiveStretches).values({ ...key, events: 5n });
      await addObject(15n, 25n, {});
    },
    "overlap",
    "15-25 begins before 20",
  ],
  [
    "an object that is compacted into nothing",
    () =>
      database.db
        .update(archiveObjects)
        .set({ compactedInto: pathOf(10n, 29n) })
        .where(eq(archiveObjects.path, path)),
    "lineage_broken",
    `${path} is compacted into`,
  ],
  [
    "a compacted object with another number of rows",
    async () => {
      const both = and(eq(archiveObjects.mergedObjects, 0), eq(archiveObjects.firstOffset, 10n));
      await database.db
        .update(archiveObjects)
        .set({ compactedInto: pathOf(10n, 29n) })
        .where(both);
      await database.db
        .update(archiveObjects)
        .set({ compactedInto: pathOf(10n, 29n) })
        .where(eq(archiveObjects.firstOffset, 20n));
      await addObject(10n, 29n, { mergedObjects: 2, rows: 9n });
    },
    "lineage_broken",
    "has 9 rows of 2 objects, the log gave 10 of 2",
  ],
])("names %s, and ends with 1", async (_what, damage, kind, detail) => {
  await damage();
  const report = await check();
  expect(report.code).toBe(1);
  expect(report.problems).toContainEqual({
    kind,
    detail: expect.stringContaining(detail),
  });
});

it("takes compacted objects and those they came from for one archive", async () => {
  await database.db.update(archiveObjects).set({ compactedInto: pathOf(0n, 29n) });
  await addObject(0n, 29n, { mergedObjects: 3, rows: 15n });
  expect(await check()).toMatchObject({ code: 0, rows: 15, kept: 3, problems: [] });
});

// An attempt that died leaves them; they are no defect, and a name ahead may still be committed.
it("names orphans, removes them when told to, and leaves what may be on its way", async () => {
  const orphan = pathOf(5n, 12n);
  const onItsWay = pathOf(30n, 39n);
  for (const one of [orphan, onItsWay]) await store().putIfAbsent(one, bytesOf(one));
  expect(await check()).toMatchObject({ code: 0, orphans: [orphan], problems: [] });
  await check("--remove-orphans");
  expect(await store().get(orphan)).toBeNull();
  expect(await store().get(onItsWay)).not.toBeNull();
  expect(await check()).toMatchObject({ code: 0, orphans: [] });
});
