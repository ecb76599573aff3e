import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import { gte, lt, max, min, type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { hotRollups, streamCheckpoints, streamDirtyHours } from "../postgres/schema/stream.ts";
import type { Stores } from "../stores.ts";

export interface StreamState {
  /** The least of the partitions' watermarks, epoch milliseconds; null before any event. */
  readonly watermarkMs: number | null;
  /** The highest degradation level of any partition, 0 to 3. */
  readonly level: number;
  /** Up to where hours of the hot store stand in for minutes, epoch milliseconds; null: nowhere. */
  readonly rolledThroughMs: number | null;
  /**
   * Another text whenever the stream has written more; null while it may be writing. Rows are announced
   * before they are written and committed after (decision 108), so as long as nothing is announced that
   * is not committed, and the last commits are the same as before, there are no more rows than before. A
   * commit is told by its time, too: one may count all again, up to the same offset.
   */
  readonly written: string | null;
}

/** How far the stream is over all partitions. Holds nothing of any tenant. */
export async function streamState({ db }: Pick<Stores, "db">): Promise<StreamState> {
  const border = db.select({ at: min(hotRollups.rolledThrough) }).from(hotRollups);
  const { topic, partition, nextOffset, announcedOffset, updatedAt } = streamCheckpoints;
  const [row] = await db
    .select({
      // One that has committed more than it has announced may be of a version that announces nothing.
      written: sql<string | null>`case
        when bool_or(${announcedOffset} is distinct from ${nextOffset}) then null
        else string_agg(
          concat_ws('/', ${topic}, ${partition}, ${nextOffset}, extract(epoch from ${updatedAt})), ' '
          order by ${topic}, ${partition}) end`,
      watermarkMs: min(streamCheckpoints.watermarkMs),
      level: max(streamCheckpoints.level),
      rolledThrough: sql`(${border})`.mapWith(hotRollups.rolledThrough),
    })
    .from(streamCheckpoints);
  return {
    written: row?.written ?? null,
    watermarkMs: row?.watermarkMs ?? null,
    level: row?.level ?? 0,
    rolledThroughMs: row?.rolledThrough?.getTime() ?? null,
  };
}

/**
 * Up to where hours of the hot store stand in for minutes, epoch milliseconds; null: nowhere. Ask
 * before the rows: hours are written before it moves, and minutes stay.
 */
export async function rolledThrough({ db }: Pick<Stores, "db">): Promise<number | null> {
  const [row] = await db.select({ at: min(hotRollups.rolledThrough) }).from(hotRollups);
  return row?.at?.getTime() ?? null;
}

/** What is known of the hot store's hours of a range. Holds nothing of any tenant. */
export interface HotHoursState {
  /**
   * The newest hour of which the stream has left detail out and that no backfill has counted again, epoch
   * milliseconds; null for none.
   */
  readonly degradedMs: number | null;
  /** The oldest hour that is to be counted again for any cause, epoch milliseconds; null for none. */
  readonly dirtyMs: number | null;
  /** What was counted again before that one, and when: another text whenever an hour was since. */
  readonly healed: string;
  /** The newest hour that was ever to be counted again, epoch milliseconds; null for none. */
  readonly markedMs: number | null;
}

const hotHoursSchema = z.tuple([
  z.object({
    degraded: z.coerce.number().nullable(),
    dirty: z.coerce.number().nullable(),
    marked: z.coerce.number().nullable(),
    healed: z.string(),
  }),
]);

/**
 * The hours of the hot store that were counted again, or are to be. Ask before the rows: an hour that is
 * healed meanwhile is then called degraded, and not the other way round.
 */
export async function hotHoursState(
  { db }: Pick<Stores, "db">,
  { fromMs, toMs }: InstantRange,
): Promise<HotHoursState> {
  const { topic, eventHour, cause, healedAt, markedAt } = streamDirtyHours;
  const epochMs = (instant: SQL) => sql`floor(extract(epoch from ${instant}) * 1000)`;
  const { rows } = await db.execute(sql`
    with hour as (
      select ${topic} as topic, ${eventHour} as hour, ${cause} as cause, ${healedAt} as healed_at,
        (${healedAt} is null or ${healedAt} < ${markedAt}) as is_dirty
      from ${streamDirtyHours}
      where ${gte(eventHour, new Date(windowStartMs(fromMs, HOUR_MS)))}
        and ${lt(eventHour, new Date(toMs))}
    ), dirty as (select min(hour) as oldest from hour where is_dirty)
    select ${epochMs(sql`max(hour) filter (where is_dirty and cause = 'degraded')`)} as degraded,
      ${epochMs(sql`(select oldest from dirty)`)} as dirty,
      ${epochMs(sql`max(hour)`)} as marked,
      coalesce(md5(string_agg(
        concat_ws(' ', topic, extract(epoch from hour), cause, extract(epoch from healed_at)),
        ',' order by topic, hour, cause
      ) filter (where hour < coalesce((select oldest from dirty), 'infinity'))), '') as healed
    from hour`);
  const [{ degraded, dirty, marked, healed }] = hotHoursSchema.parse(rows);
  return { degradedMs: degraded, dirtyMs: dirty, markedMs: marked, healed };
}
