import { NOON_MS, storedEvent } from "@trueclick/archive/testing/storedEvents";
import { truthClickIndexes } from "@trueclick/db/postgres/schema/attribution";
import { backtestBuilds } from "@trueclick/db/postgres/schema/rules";
import { truthLines, truthVersions } from "@trueclick/db/postgres/schema/truth";
import { verifications } from "@trueclick/db/postgres/schema/verifications";
import { addWindow } from "@trueclick/db/queries/attributionWindows";
import { addDays, dayOf } from "@trueclick/shared/calendar";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { and, eq, sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { composeWorks } from "./composeWorks.ts";
import { type BatchWorld, openBatchWorld } from "./testing/batchWorld.ts";

const DAY = dayOf(NOON_MS, "UTC");
const DAY_BEFORE = addDays(DAY, -1);
const advertiserId = advertiserIdSchema.parse("adv_1");
const { signal } = new AbortController();

const conversion = (fields: Parameters<typeof storedEvent>[0]) =>
  storedEvent({ event_type: "conversion", conversion_value_micros: 10, ...fields });

let world: BatchWorld;
beforeAll(async () => {
  world = await openBatchWorld();
  await world.addAdvertiser("adv_1", {
    timeZone: "UTC",
    campaigns: [{ id: "cmp_1", rates: [[0, 5n]] }],
  });
  await archive([
    storedEvent({ event_id: "before-01", user_id: "a", event_time: NOON_MS - DAY_MS }),
    storedEvent({ event_id: "of-day-01", user_id: "b", event_time: NOON_MS - HOUR_MS }),
    conversion({ event_id: "bought-01", user_id: "a" }),
    conversion({ event_id: "bought-02", user_id: "b" }),
    conversion({ event_id: "bought-03", user_id: "stranger" }),
  ]);
  for (const day of [DAY_BEFORE, DAY]) await world.recount("adv_1", day);
});
afterAll(() => world.close());

async function archive(events: readonly StoredEvent[]): Promise<void> {
  await world.archive.append(events, NOON_MS + 2 * DAY_MS);
  await world.archive.archiveAll();
}

async function verified(version = 1) {
  const { db, clickhouse, topic } = world.archive;
  const works = composeWorks(world.stores, db, clickhouse, topic).verifications;
  await db.insert(verifications).values({
    ...{ advertiserId, billingDay: DAY, version, requestedBy: "test" },
  });
  const taken = await works.take();
  if (taken === null) throw new Error("the verification was not handed out");
  const before = await evidence();
  const result = await works.run(taken, signal);
  await works.finish(taken, result);
  // Whatever came of it, nothing is left of what was counted.
  expect(await evidence()).toEqual(before);
  expect(await db.select().from(backtestBuilds)).toEqual([]);
  return result;
}

/** Builds that have rows, and how many, by table. */
async function evidence() {
  const rows = ["truth_conversions", "truth_cube", "truth_rejects", "truth_hours"].map(
    (table) => `SELECT '${table}' AS name, build_id AS build, count() AS rows FROM ${table}
      GROUP BY build`,
  );
  const result = await world.archive.clickhouse.query({
    query: `SELECT * FROM (${rows.join(" UNION ALL ")}) ORDER BY name, build`,
    format: "JSONEachRow",
  });
  const row = z.object({ name: z.string(), build: z.coerce.number(), rows: z.coerce.number() });
  return z.array(row).parse(await result.json());
}

// Whom a sale is credited to is part of what a version says, and of what its readers believe.
it("credits again by the windows and the days of then, whatever they are now", async () => {
  const first = await verified();
  expect(first).toMatchObject({ outcome: "verified", reason: null, linesCompared: 1, lines: [] });
  expect(first.contentHash?.found).toBe(first.contentHash?.recorded);
  expect(first.contentHash?.found).not.toBe(first.judgedHash?.found);

  // A click that was late: the sale is now due to it, and the day before has another version.
  const late = { event_id: "before-02", user_id: "a", event_time: NOON_MS - DAY_MS + HOUR_MS };
  await archive([storedEvent({ ...late, ad_id: "ad_2" })]);
  for (const day of [DAY_BEFORE, DAY]) {
    expect(await world.recountChanged("adv_1", day)).toBe("published");
  }
  await addWindow(world.archive, {
    ...({ advertiserId, days: 1, effectiveFromMs: 0 } as const),
    ...{ reason: "test", createdBy: "test" },
  });
  expect(await verified(1)).toEqual(first);

  // Nor by what the engine still has of the clicks of then.
  const { db, clickhouse } = world.archive;
  await db.delete(truthClickIndexes);
  await clickhouse.command({ query: "TRUNCATE TABLE truth_clicks" });
  const second = await verified(2);
  expect(second).toMatchObject({ outcome: "verified", judgedHash: first.judgedHash });
  expect(second.contentHash?.found).not.toBe(first.contentHash?.found);
  const again = await verified(1);
  expect({ ...again, objects: first.objects }).toEqual(first);
  // The earlier day's objects were read for it.
  expect(again.objects).toBeGreaterThan(first.objects);
});

it("says that credits are not what was published, though all that was judged is", async () => {
  const { db } = world.archive;
  const ofDay = and(eq(truthVersions.billingDay, DAY), eq(truthVersions.version, 1));
  const published = (await verified()).contentHash?.recorded ?? "";
  await db
    .update(truthVersions)
    .set({ contentHash: "0".repeat(64) })
    .where(ofDay);
  const other = await verified();
  await db.update(truthVersions).set({ contentHash: published }).where(ofDay);
  const reason = "what conversions are credited with is not what was published";
  expect(other).toMatchObject({ outcome: "differs", reason, lines: [] });
  expect(other.judgedHash?.found).toBe(other.judgedHash?.recorded);

  // One of its lines.
  const more = (micros: number) =>
    db
      .update(truthLines)
      .set({ attributedValueMicros: sql`${truthLines.attributedValueMicros} + ${micros}::int` })
      .where(eq(truthLines.billingDay, DAY));
  await more(1);
  const line = await verified();
  await more(-1);
  expect(line).toMatchObject({
    ...{ outcome: "differs", reason },
    lines: [
      {
        ...{ campaign: "cmp_1", clicks: { recorded: 1, found: 1 } },
        credited: { recorded: 2, found: 2 },
        creditedValueMicros: { recorded: "21", found: "20" },
      },
    ],
  });
});
