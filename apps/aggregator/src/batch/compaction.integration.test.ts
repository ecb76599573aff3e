import { createWorkerEncoder } from "@trueclick/archive/encode/workerEncoder";
import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { truthDirtyDays } from "@trueclick/db/queries/dirtyDays";
import { dayOf } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import { eq, isNull } from "drizzle-orm";
import { afterAll, afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { createPostgresCompactionManifest } from "../archive/adapters/postgresCompactionManifest.ts";
import {
  type Compaction,
  compactHours,
  SourceDamagedError,
} from "../archive/pipeline/compactHours.ts";
import { WIDE } from "../archive/testing/archiveWorld.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
const EVENTS = 120;
const { signal } = new AbortController();
const merger = createWorkerEncoder();
afterAll(() => merger.close());

let world: BatchWorld;
beforeEach(async () => {
  world = await openBatchWorld();
  const campaigns = [{ id: "cmp_1", rates: [[0, 100n]] as const }];
  await world.addAdvertiser("adv_1", { timeZone: "UTC", campaigns });
  // Some ids twice, in the same hour.
  const clicks = Array.from({ length: EVENTS }, (_, at) =>
    storedEvent({
      event_id: `evt-${String(at % 90).padStart(5, "0")}`,
      event_time: NOON_MS - (at % 3) * HOUR_MS,
      user_id: `user_${at}`,
    }),
  );
  await world.archive.append(clicks);
  await world.archive.archiveAll({ limits: { ...WIDE, eventsMax: 8 } });
});
afterEach(() => world.close());

function compaction(differences: Partial<Compaction> = {}): Compaction {
  const { db, topic, objects, stores } = world.archive;
  return {
    merger,
    objects,
    index: stores.index,
    manifest: createPostgresCompactionManifest(db, topic),
    limits: { objectsMin: 3, rowsMax: 10_000, bytesMax: 10_000_000 },
    retentionMs: 1e12,
    onCompacted: () => {},
    ...differences,
  };
}
const compact = (differences?: Partial<Compaction>) =>
  compactHours(compaction(differences), NOON_MS + HOUR_MS, signal);

const liveObjects = () =>
  world.archive.db.select().from(archiveObjects).where(isNull(archiveObjects.compactedInto));

const rowSchema = z.array(
  z.object({ event_id: z.string(), path: z.string(), row: z.coerce.number(), place: z.string() }),
);

/** What the engine reads of the objects, and what the index says; both by coordinates. */
async function readAndIndexed() {
  const paths = (await liveObjects()).map(({ path }) => path);
  const place =
    "concat(toString(partition), ':', toString(offset), ':', toString(`index`)) AS place";
  const ask = async (from: string) => {
    const result = await world.archive.clickhouse.query({
      query: `SELECT event_id, path, row, ${place} FROM ${from} ORDER BY place`,
      format: "JSONEachRow",
      clickhouse_settings: { use_hive_partitioning: 0 },
    });
    return rowSchema.parse(await result.json());
  };
  return {
    read: await ask(world.archive.clickhouseObjects.rowsOf(paths)),
    indexed: await ask("event_index FINAL"),
  };
}

const dirtyDays = () => {
  const { db, clickhouse } = world.archive;
  return truthDirtyDays({ db, clickhouse }, { kind: "all" });
};

// I5. Where rows lie is no input: a bill that changes because of housekeeping cannot be explained.
it("makes few objects of many, and changes neither truth, nor its inputs, nor which days are due", async () => {
  await world.recount("adv_1", DAY);
  const before = await world.current("adv_1", DAY);
  const objectsBefore = (await liveObjects()).length;
  expect(await dirtyDays()).toEqual([]);

  await compact();
  const live = await liveObjects();
  // One an hour and partition.
  expect(live).toHaveLength(6);
  expect(objectsBefore).toBeGreaterThan(20);
  expect(await dirtyDays()).toEqual([]);
  expect(await world.recount("adv_1", DAY)).toBe("verified");
  const [first, again] = await world.jobs();
  expect(again?.inputsHash).toBe(first?.inputsHash);
  expect(again?.contentHash).toBe(before?.contentHash);

  const { rows, kept, problems } = await world.archive.check();
  expect({ rows, kept, problems }).toEqual({
    ...{ rows: BigInt(EVENTS), kept: objectsBefore, problems: [] },
  });
  const { read, indexed } = await readAndIndexed();
  expect(read).toHaveLength(EVENTS);
  expect(indexed).toEqual(read);
});

// The index names the merged objects then, which are pinned whole: the inputs' hash may differ.
it("changes no truth where ids come back in other hours either", async () => {
  const conflicts = Array.from({ length: 30 }, (_, at) =>
    storedEvent({
      event_id: `evt-${String(at).padStart(5, "0")}`,
      event_time: NOON_MS - ((at + 1) % 3) * HOUR_MS,
    }),
  );
  await world.archive.append(conflicts);
  await world.archive.archiveAll({ limits: { ...WIDE, eventsMax: 8 } });
  await world.recount("adv_1", DAY);
  await compact();
  expect(await world.recount("adv_1", DAY)).toBe("verified");
});

it("compacts what came later with what was compacted, and leaves alone what is too little", async () => {
  await compact();
  const first = await liveObjects();
  await compact();
  expect(await liveObjects()).toEqual(first);

  const late = Array.from({ length: 60 }, (_, at) =>
    storedEvent({ event_id: `late-${String(at).padStart(5, "0")}`, event_time: NOON_MS }),
  );
  await world.archive.append(late);
  await world.archive.archiveAll({ limits: { ...WIDE, eventsMax: 8 } });
  await compact();
  expect(await liveObjects()).toHaveLength(6);
  expect(await world.archive.check()).toMatchObject({ rows: BigInt(EVENTS + 60), problems: [] });
});

const STEPS = ["put", "index", "replace"] as const;

/** The real stores, but the process dies behind one of them, the second time that it comes by. */
function dying(step: (typeof STEPS)[number]): Partial<Compaction> {
  const { objects, index, manifest } = compaction();
  let passes = 0;
  const die = (here: typeof step) => {
    if (here !== step) return;
    passes += 1;
    if (passes === 2) throw new Error(`died after ${step}`);
  };
  return {
    objects: {
      ...objects,
      async putIfAbsent(path, bytes) {
        const outcome = await objects.putIfAbsent(path, bytes);
        die("put");
        return outcome;
      },
    },
    index: {
      async add(paths) {
        await index.add(paths);
        die("index");
      },
    },
    manifest: {
      ...manifest,
      async replace(sources, merged) {
        const isDone = await manifest.replace(sources, merged);
        die("replace");
        return isDone;
      },
    },
  };
}

it.each(STEPS)(
  "may die after %s: readers see every event once, and the next pass ends it",
  async (step) => {
    await expect(compact(dying(step))).rejects.toThrow("died");
    expect(await world.archive.check()).toMatchObject({ rows: BigInt(EVENTS), problems: [] });
    expect((await readAndIndexed()).read).toHaveLength(EVENTS);

    await compact();
    expect(await liveObjects()).toHaveLength(6);
    expect(await world.archive.check()).toMatchObject({ orphans: [], problems: [] });
    const { read, indexed } = await readAndIndexed();
    expect(indexed).toEqual(read);
  },
);

it("lets one of two that compact at once win, and the other change nothing", async () => {
  await Promise.all([compact(), compact()]);
  expect(await liveObjects()).toHaveLength(6);
  expect(await world.archive.check()).toMatchObject({ rows: BigInt(EVENTS), problems: [] });
});

it("merges no damaged object, names it, and leaves the manifest as it was", async () => {
  const before = await liveObjects();
  const [damaged] = before;
  if (damaged === undefined) throw new Error("there are objects");
  const bytes = await world.archive.objects.get(damaged.path);
  await world.archive.objects.remove(damaged.path);
  await world.archive.objects.putIfAbsent(damaged.path, Buffer.from(bytes ?? []).fill(7, 50, 60));
  await expect(compact()).rejects.toThrow(SourceDamagedError);
  const [row] = await world.archive.db
    .select()
    .from(archiveObjects)
    .where(eq(archiveObjects.path, damaged.path));
  expect(row?.compactedInto).toBeNull();
});

it("keeps the bytes of compacted objects for the retention, and their lineage for good", async () => {
  await compact();
  const objects = await world.archive.db.select().from(archiveObjects);
  const compacted = objects.filter(({ compactedInto }) => compactedInto !== null);
  for (const { path } of compacted) expect(await world.archive.objects.get(path)).not.toBeNull();

  await compact({ retentionMs: -1_000 });
  for (const { path } of compacted) expect(await world.archive.objects.get(path)).toBeNull();
  expect(await world.archive.check()).toMatchObject({
    ...{ rows: BigInt(EVENTS), kept: 0, orphans: [], problems: [] },
  });
  expect(await world.recount("adv_1", DAY)).toBe("published");
});
