/** Writes lines of hours, for who rolls hours up and counts them again. */
import type { ClickHouseClient } from "@clickhouse/client";
import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import { eq, lt, sql } from "drizzle-orm";
import { z } from "zod";
import { runQuery } from "../clickhouse/reader.ts";
import type { Database } from "../postgres/database.ts";
import { hotLineHours, hotLines } from "../postgres/schema/hotLines.ts";
import type { Stores } from "../stores.ts";
import { type HourCounts, readHourCounts } from "./hotLineCounts.ts";

/** Lines of campaigns that are kept of an hour; hours with more are left to the engine. */
export const HOUR_LINES_MAX = 20_000;
/** Hours that are read at once. */
const HOURS_READ_MAX = 6;

/**
 * Reads hours of the hot store anew and keeps what they come to, each hour in one transaction. To be called
 * once all rows of the hours are written and before anybody is told of it. Of two that write at once, the
 * reading that began later stays, whoever ends last: it holds all that had been written before the other
 * began. A repetition, or a crash between two hours, leaves whole hours.
 *
 * @param hoursMs Starts of UTC hours, epoch milliseconds.
 */
export async function writeHotLines(
  { db, clickhouse }: Pick<Stores, "db" | "clickhouse">,
  hoursMs: readonly number[],
  linesMax: number = HOUR_LINES_MAX,
): Promise<void> {
  for (let at = 0; at < hoursMs.length; at += HOURS_READ_MAX) {
    const some = hoursMs.slice(at, at + HOURS_READ_MAX);
    const reading = await nextReading(db);
    const counts = await readHourCounts(clickhouse, some, linesMax + 1);
    const byHour = Map.groupBy(counts, ({ hour }) => hour * SECOND_MS);
    for (const hourMs of some) {
      const lines = byHour.get(hourMs) ?? [];
      const campaigns = lines.filter(({ campaignId }) => campaignId !== "").length;
      const state = campaigns > linesMax ? "too_many" : "kept";
      await writeHour(db, { hourMs, reading, state }, state === "kept" ? lines : []);
    }
  }
}

const readingSchema = z.tuple([z.object({ reading: z.coerce.bigint() })]);

/** Taken before the first row is read. */
async function nextReading(db: Database): Promise<bigint> {
  const { rows } = await db.execute(sql`select nextval('hot_line_readings') as reading`);
  return readingSchema.parse(rows)[0].reading;
}

async function writeHour(
  db: Database,
  {
    hourMs,
    ...of
  }: {
    readonly hourMs: number;
    readonly reading: bigint;
    readonly state: "kept" | "too_many" | "failed";
  },
  lines: readonly HourCounts[],
): Promise<void> {
  const eventHour = new Date(hourMs);
  const advertiserLines = lines.filter(({ campaignId }) => campaignId === "").length;
  await db.transaction(async (tx) => {
    const taken = await tx
      .insert(hotLineHours)
      .values({ eventHour, ...of, advertiserLines })
      .onConflictDoUpdate({
        target: hotLineHours.eventHour,
        set: { ...of, advertiserLines, writtenAt: sql`clock_timestamp()` },
        setWhere: lt(hotLineHours.reading, of.reading),
      })
      .returning({ eventHour: hotLineHours.eventHour });
    if (taken.length === 0) return;
    await tx.delete(hotLines).where(eq(hotLines.eventHour, eventHour));
    if (lines.length > 0) await tx.execute(insertSql(eventHour, lines));
  });
}

/** One parameter, however many lines there are. */
function insertSql(eventHour: Date, lines: readonly HourCounts[]) {
  const rows = JSON.stringify(lines, (_name, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  return sql`
    insert into ${hotLines} (event_hour, of_campaign, advertiser_id, campaign_id, clicks, invalid_clicks,
      givt_clicks, duplicate_clicks, impressions, conversions, cost_micros, unique_users)
    select ${eventHour.toISOString()}::timestamptz, "campaignId" <> '', "advertiserId", "campaignId",
      clicks, "invalidClicks", "givtClicks", "duplicateClicks", impressions, conversions,
      "costMicros", "uniqueUsers"
    from json_to_recordset(${rows}::json) as line ("advertiserId" text, "campaignId" text,
      clicks bigint, "invalidClicks" bigint, "givtClicks" bigint, "duplicateClicks" bigint,
      impressions bigint, conversions bigint, "costMicros" bigint, "uniqueUsers" bigint)`;
}

/**
 * Says that hours have no lines: they could not be read, and those that are there may be over. Whoever writes
 * them later, does; whoever began to read them before, does not.
 */
export async function forgetHotLines(
  { db }: Pick<Stores, "db">,
  hoursMs: readonly number[],
): Promise<void> {
  const reading = await nextReading(db);
  for (const hourMs of hoursMs) await writeHour(db, { hourMs, reading, state: "failed" }, []);
}

/** Hours that could not be read are tried again after so long. */
const FAILED_AGAIN = sql`interval '1 minute'`;

/**
 * Hours of a range without lines, the newest first: of before there were any, or that could not be read. None
 * before the oldest that the hot store has anything of.
 *
 * @returns starts, epoch milliseconds.
 */
export async function hoursWithoutLines(
  { db, clickhouse }: Pick<Stores, "db" | "clickhouse">,
  range: InstantRange,
  hoursMax: number,
): Promise<number[]> {
  const oldestMs = await oldestHourMs(clickhouse);
  if (oldestMs === null) return [];
  const fromMs = Math.max(range.fromMs, oldestMs);
  const { rows } = await db.execute(sql`
    select extract(epoch from hour) as seconds
    from generate_series(${new Date(fromMs).toISOString()}::timestamptz,
      ${new Date(range.toMs - HOUR_MS).toISOString()}::timestamptz, interval '1 hour') as hour
    where not exists (
      select from ${hotLineHours} where ${hotLineHours.eventHour} = hour
        and (${hotLineHours.state} <> 'failed'
          or ${hotLineHours.writtenAt} > clock_timestamp() - ${FAILED_AGAIN}))
    order by hour desc limit ${hoursMax}`);
  return hoursSchema.parse(rows).map(({ seconds }) => seconds * SECOND_MS);
}

async function oldestHourMs(clickhouse: ClickHouseClient): Promise<number | null> {
  const [row] = await runQuery(clickhouse, {
    name: "oldestHotHour",
    sql: "SELECT count() AS rows, toUnixTimestamp(min(span_start)) AS oldest FROM hot_hours",
    params: {},
    row: z.object({ rows: z.coerce.number(), oldest: z.coerce.number() }),
  });
  return row === undefined || row.rows === 0
    ? null
    : windowStartMs(row.oldest * SECOND_MS, HOUR_MS);
}

const hoursSchema = z.array(z.object({ seconds: z.coerce.number() }));

/** Drops lines of hours that the hot store does not keep any more. */
export async function dropHotLines({ db }: Pick<Stores, "db">, beforeMs: number): Promise<void> {
  const before = new Date(beforeMs);
  await db.transaction(async (tx) => {
    await tx.delete(hotLineHours).where(lt(hotLineHours.eventHour, before));
    await tx.delete(hotLines).where(lt(hotLines.eventHour, before));
  });
}
