import { rm } from "node:fs/promises";
import { join } from "node:path";
import { hotLines } from "@trueclick/db/postgres/schema/hotLines";
import {
  hotRollups,
  streamBackfills,
  streamCheckpoints,
  streamDirtyHours,
  streamGaps,
  streamRecounts,
} from "@trueclick/db/postgres/schema/stream";
import { type DriftRow, driftByCampaignHour } from "@trueclick/db/queries/drift";
import { runReport } from "@trueclick/db/routing/report";
import type { ReportQuery } from "@trueclick/db/routing/reportQuery";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPostgresCheckpointStore } from "../stream/adapters/postgresCheckpointStore.ts";
import { initialCheckpoint } from "../stream/domain/partitionEngine.ts";
import { blockOf, storedClick } from "../stream/testing/fixtures.ts";
import { type LedgerBlock, ledger } from "../stream/testing/ledger.ts";
import { ALLOWED_LATENESS_MS, PARTITIONS, TOPIC } from "../stream/testing/streamWorld.ts";
import { type BackfillWorld, openBackfillWorld } from "./testing/backfillWorld.ts";

/** So long ago that every hour of the ledger has closed. */
const START_MS = Math.floor(Date.now() / HOUR_MS - 7) * HOUR_MS + 20 * MINUTE_MS;
const CLICKS = 1_200;

let world: BackfillWorld;
let blocks: LedgerBlock[];
beforeEach(async () => {
  world = await openBackfillWorld();
  // Of two hours, so that what is wrong with one may not touch the other.
  blocks = [START_MS, START_MS + 70 * MINUTE_MS].flatMap((startMs) =>
    ledger(CLICKS, PARTITIONS, startMs),
  );
});
afterEach(() => world.close());

const append = (some: readonly LedgerBlock[]) =>
  world.stream.eventLog.admin().restore(TOPIC, [...some]);

/** Every distinct id of `cmp_1` once in its minute, however late: what the hot store must come to. */
function wanted(): { clicks: number; robots: number } {
  const first = new Map<string, "clicks" | "robots">();
  for (const { event_id: id, event_time, campaign_id, flags } of blocks.flatMap((b) => b.events)) {
    if (campaign_id !== "cmp_1") continue;
    const key = `${id}/${Math.floor(event_time / MINUTE_MS)}`;
    first.set(key, flags.length === 0 ? "clicks" : "robots");
  }
  const kinds = [...first.values()];
  const clicks = kinds.filter((kind) => kind === "clicks").length;
  return { clicks, robots: kinds.length - clicks };
}

const base: ReportQuery = {
  scope: { kind: "all" },
  mode: "dashboard",
  fromMs: START_MS - 3 * HOUR_MS,
  toMs: Math.ceil(Date.now() / HOUR_MS) * HOUR_MS,
  granularity: "total",
  dimensions: [],
  timeZone: "Asia/Kathmandu",
  filters: {},
};

/** Whole hours may be told by lines. */
const WHOLE_MS = Math.floor(base.fromMs / HOUR_MS) * HOUR_MS;

/** All that a reader of reports can see of the ledger's hours. */
async function reports() {
  const { db, clickhouse } = world.stream;
  const queries: ReportQuery[] = [
    base,
    { ...base, granularity: "hour" },
    { ...base, granularity: "day" },
    { ...base, granularity: "hour", dimensions: ["campaign", "ad"] },
    { ...base, dimensions: ["geo"] },
    { ...base, fromMs: WHOLE_MS, granularity: "hour", timeZone: "UTC" },
    { ...base, fromMs: WHOLE_MS, granularity: "hour", dimensions: ["campaign", "advertiser"] },
    // An account's day of Kathmandu starts at a quarter past, in UTC.
    { ...base, fromMs: START_MS - HOUR_MS - 5 * MINUTE_MS, dimensions: ["campaign", "publisher"] },
  ];
  const answers = [];
  for (const query of queries) answers.push((await runReport({ db, clickhouse }, query)).rows);
  return answers;
}

const isHealed = async () => {
  const rows = await world.stream.db.select().from(streamDirtyHours);
  return rows.every(({ healedAt, markedAt }) => healedAt !== null && healedAt >= markedAt);
};
const isRolledUp = async () => {
  const [border] = await world.stream.db.select().from(hotRollups);
  return (border?.rolledThrough.getTime() ?? 0) > (blocks.at(-1)?.appendTimeMs ?? 0);
};

async function countAndHeal() {
  await world.stream.countAll();
  await world.archiveAll();
  await world.backfillUntil(async () => (await isHealed()) && (await isRolledUp()));
}

describe("late events", () => {
  it("are counted after all, in every cube, once, with their cause on record", async () => {
    await append(blocks);
    await world.stream.countAll();
    const { clicks, robots } = wanted();
    const [[before] = []] = await reports();
    expect(before?.clicks).toBeLessThan(clicks);
    expect(await isHealed()).toBe(false);

    await world.archiveAll();
    await world.backfillUntil(isHealed);
    for (const dimension of ["ad", "geo", "device", "publisher"] as const) {
      const query = { ...base, dimensions: [dimension] };
      const { rows } = await runReport(world.stream, query);
      expect(rows.reduce((sum, row) => sum + row.clicks, 0)).toBe(clicks);
      expect(rows.reduce((sum, row) => sum + row.gross_clicks, 0)).toBe(clicks + robots);
      expect(rows.reduce((sum, row) => sum + row.cost_micros, 0)).toBe(clicks * 250_000);
    }
    const backfills = await world.stream.db.select().from(streamBackfills);
    expect(backfills.every(({ causes }) => causes.includes("late"))).toBe(true);
    expect(backfills.some(({ corrected }) => corrected > 0n)).toBe(true);
  });

  // I4: what a backfill has put right must not come undone, nor be counted again.
  it("stay counted once when the whole log is read again, and the hours healed again", async () => {
    await append(blocks);
    await countAndHeal();
    const [cells, answers] = [await world.stream.visible(), await reports()];

    await world.stream.db.delete(streamCheckpoints);
    await world.stream.countAll();
    expect((await world.stream.visible()).cells).toEqual(cells.cells);
    expect(await reports()).toEqual(answers);
    await world.stream.db.update(streamDirtyHours).set({ healedAt: null });
    await world.stream.db.delete(streamBackfills);
    await countAndHeal();
    expect((await world.stream.visible()).cells).toEqual(cells.cells);
    expect(await reports()).toEqual(answers);
  });

  // I8: counts and evidence of an hour are written one behind the other.
  it("leave no drift without a cause, at no moment of being counted after all", async () => {
    await append(blocks);
    await world.stream.countAll();
    await world.archiveAll();
    const looks: DriftRow[][] = [];
    const look = async () => {
      looks.push([...(await driftByCampaignHour(world.stream, { kind: "all" }, base)).rows]);
    };
    await world.backfillUntil(isHealed, look);
    const during = looks.flat();
    expect(during.filter(({ unexplained }) => unexplained !== 0)).toEqual([]);
    expect(during.some(({ causes }) => "being_recounted" in causes)).toBe(true);

    await look();
    for (const { unexplained, causes } of looks.at(-1) ?? []) {
      expect(unexplained).toBe(0);
      expect(causes).not.toHaveProperty("being_recounted");
    }
    expect(await world.stream.db.select().from(streamRecounts)).toEqual([]);
  });

  it("wait for a damaged object, which spoils no hour but its own", async () => {
    await append(blocks);
    await world.stream.countAll();
    await world.archiveAll();
    const dirty = await world.stream.db.select().from(streamDirtyHours);
    const hours = dirty.map(({ eventHour }) => eventHour).sort((a, b) => a.getTime() - b.getTime());
    expect(hours.length).toBeGreaterThan(1);
    const name = `event_hour=${hours[0]?.toISOString().slice(0, 13)}`;
    await rm(join(world.objectsDir, "raw", name), { recursive: true });
    await world.backfillUntil(async () => {
      const rows = await world.stream.db.select().from(streamDirtyHours);
      return rows.filter(({ healedAt }) => healedAt !== null).length === hours.length - 1;
    });
    expect(await isHealed()).toBe(false);
  });
});

it("adds the users that the stream left out under pressure", async () => {
  const checkpoints = createPostgresCheckpointStore(world.stream.db, TOPIC);
  const mode = {
    offsetFrom: 0n,
    level: 1,
    allowedLatenessMs: ALLOWED_LATENESS_MS,
    cause: "behind",
  };
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const owner = await checkpoints.acquire(partition, { startOffset: 0n, endOffset: 0n });
    const facts = { degradedHoursMs: [], cutHoursMs: [], modeChange: mode };
    await checkpoints.commit(owner, initialCheckpoint(0n), [], facts);
  }
  await append(blocks);
  await world.stream.countAll();
  expect((await world.stream.visible()).users).toEqual([]);
  const dirty = await world.stream.db.select().from(streamDirtyHours);
  expect(dirty.some(({ cause }) => cause === "degraded")).toBe(true);

  await world.archiveAll();
  await world.backfillUntil(isHealed);
  const valid = blocks
    .flatMap(({ events }) => events)
    .filter(({ campaign_id, flags }) => campaign_id === "cmp_1" && flags.length === 0);
  const users = new Set(
    valid.map(({ event_time, user_id }) => `${Math.floor(event_time / HOUR_MS)}/${user_id}`),
  );
  const { rows } = await runReport(world.stream, { ...base, granularity: "hour" });
  // Sets of so few are exact.
  expect(rows.reduce((sum, row) => sum + (row.unique_users ?? 0), 0)).toBe(users.size);
});

describe("a rollup", () => {
  it("changes no answer, but where it is read from", async () => {
    await append(blocks);
    await countAndHeal();
    const rolled = await reports();
    const { meta } = await runReport(world.stream, base);
    expect(meta.store).toBe("hot_hours+hot_minutes");
    expect(await world.stream.db.$count(hotLines)).toBeGreaterThan(0);
    await world.stream.db.delete(hotRollups);
    expect((await runReport(world.stream, base)).meta.store).toBe("hot_minutes");
    expect(await reports()).toEqual(rolled);
  });

  it("outlives the minutes it was made of", async () => {
    await append(blocks);
    await countAndHeal();
    const rolled = await reports();
    await world.stream.clickhouse.command({ query: "TRUNCATE TABLE hot_minutes" });
    // The last query starts within an hour, which it counts by minutes as long as there are any.
    expect((await reports()).slice(0, -1)).toEqual(rolled.slice(0, -1));
  });
});

it("goes on behind a gap of the log, and counts its hours from the archive, without hands", async () => {
  const known = blocks.slice(0, 60);
  await append(known);
  await world.stream.countAll();
  await append(blocks.slice(60));
  await world.archiveAll();
  const [, middle] = [known.at(-1), blocks[Math.floor(blocks.length / 2)]];
  const admin = world.stream.eventLog.admin();
  const retentionMs = Date.now() - (middle?.appendTimeMs ?? 0);
  await admin.ensureTopic(TOPIC, { partitionCount: PARTITIONS, retentionMs });
  expect(await admin.applyRetention(TOPIC)).toBeGreaterThan(60);

  await world.stream.countAll();
  const gaps = await world.stream.db.select().from(streamGaps);
  expect(gaps).toHaveLength(PARTITIONS);
  expect(gaps.every(({ archived, hours }) => archived && hours > 0)).toBe(true);
  await world.backfillUntil(async () => (await isHealed()) && (await isRolledUp()));
  const clicks = async () => (await runReport(world.stream, base)).rows.map((row) => row.clicks);
  expect(await clicks()).toEqual([wanted().clicks]);

  // A replay knows the minute in which the log begins now only in part, up to the same offset.
  await world.stream.db.delete(streamCheckpoints);
  await world.stream.countAll();
  await world.stream.db.delete(hotRollups);
  expect(await clicks()).toEqual([wanted().clicks]);
});

// The first of two impressions with one id went with the log: the second is counted, and says other
// than the first did. What was counted of it must go again, where a recount has nothing to count.
it("takes back what was counted only because the log had lost its first records", async () => {
  const seen = storedClick({
    ...{ event_id: "evt-twice-1", event_time: START_MS + 10_000 },
    ...{ event_type: "impression", ad_id: "ad_first" },
  });
  const block = (event: StoredEvent, appendTimeMs: number) => {
    return { partition: 0, value: blockOf([event]), appendTimeMs, events: [event] };
  };
  const later = storedClick({ event_id: "evt-later-1", event_time: START_MS + HOUR_MS });
  blocks = [
    block(seen, START_MS + 15_000),
    block({ ...seen, ad_id: "ad_second" }, START_MS + 20_000),
    block(later, START_MS + HOUR_MS),
  ];
  await append(blocks);
  await world.archiveAll();
  const admin = world.stream.eventLog.admin();
  const retentionMs = Date.now() - (START_MS + 17_000);
  await admin.ensureTopic(TOPIC, { partitionCount: PARTITIONS, retentionMs });
  expect(await admin.applyRetention(TOPIC)).toBe(1);

  await world.stream.countAll();
  const impressions = async () => {
    const { rows } = await runReport(world.stream, { ...base, dimensions: ["ad"] });
    const seenBy = rows.filter((row) => row.impressions > 0);
    return seenBy.map((row) => `${row.ad} ${row.impressions}`);
  };
  expect(await impressions()).toEqual(["ad_second 1"]);
  await world.backfillUntil(async () => (await isHealed()) && (await isRolledUp()));
  expect(await impressions()).toEqual(["ad_first 1"]);
  await world.stream.db.delete(hotRollups);
  expect(await impressions()).toEqual(["ad_first 1"]);
});
