import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import { min, type SQL, sql } from "drizzle-orm";
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

export const streamStateSchema = z.object({
  watermarkMs: z.number().nullable(),
  level: z.number(),
  rolledThroughMs: z.number().nullable(),
  written: z.string().nullable(),
}) satisfies z.ZodType<StreamState>;

/** SQL of how far the stream is over all partitions, as JSON. */
export function streamStateSql(): SQL {
  const { topic, partition, nextOffset, announcedOffset, updatedAt } = streamCheckpoints;
  // One that has committed more than it has announced may be of a version that announces nothing.
  return sql`select json_build_object(
      'written', case
        when bool_or(${announcedOffset} is distinct from ${nextOffset}) then null
        else string_agg(
          concat_ws('/', ${topic}, ${partition}, ${nextOffset}, extract(epoch from ${updatedAt})), ' '
          order by ${topic}, ${partition}) end,
      'watermarkMs', min(${streamCheckpoints.watermarkMs}),
      'level', coalesce(max(${streamCheckpoints.level}), 0),
      'rolledThroughMs', (${rolledThroughSql()}))
    from ${streamCheckpoints}`;
}

/** SQL of what `rolledThrough` tells. */
export function rolledThroughSql(): SQL {
  return sql`select ${epochMs(sql`min(${hotRollups.rolledThrough})`)} from ${hotRollups}`;
}

const epochMs = (instant: SQL) => sql`floor(extract(epoch from ${instant}) * 1000)`;

/** How far the stream is over all partitions. Holds nothing of any tenant. */
export async function streamState({ db }: Pick<Stores, "db">): Promise<StreamState> {
  const { rows } = await db.execute(sql`select (${streamStateSql()}) as state`);
  const [{ state }] = z.tuple([z.object({ state: streamStateSchema })]).parse(rows);
  return state;
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

export const hotHoursSchema = z.object({
  degradedMs: z.number().nullable(),
  dirtyMs: z.number().nullable(),
  markedMs: z.number().nullable(),
  healed: z.string(),
}) satisfies z.ZodType<HotHoursState>;

/**
 * SQL of the hours of the hot store that were counted again, or are to be, as JSON; to be prepared, by
 * `hotHoursParams`.
 */
export function hotHoursSql(): SQL {
  const { topic, eventHour, cause, healedAt, markedAt } = streamDirtyHours;
  return sql`
    with hour as (
      select ${topic} as topic, ${eventHour} as hour, ${cause} as cause, ${healedAt} as healed_at,
        (${healedAt} is null or ${healedAt} < ${markedAt}) as is_dirty
      from ${streamDirtyHours}
      where ${eventHour} >= ${sql.placeholder("hoursFrom")}::timestamptz
        and ${eventHour} < ${sql.placeholder("hoursTo")}::timestamptz
    ), dirty as (select min(hour) as oldest from hour where is_dirty)
    select json_build_object(
      'degradedMs', ${epochMs(sql`max(hour) filter (where is_dirty and cause = 'degraded')`)},
      'dirtyMs', ${epochMs(sql`(select oldest from dirty)`)},
      'markedMs', ${epochMs(sql`max(hour)`)},
      'healed', coalesce(md5(string_agg(
        concat_ws(' ', topic, extract(epoch from hour), cause, extract(epoch from healed_at)),
        ',' order by topic, hour, cause
      ) filter (where hour < coalesce((select oldest from dirty), 'infinity'))), ''))
    from hour`;
}

/** Whole hours, those that the range cuts included. */
export function hotHoursParams({ fromMs, toMs }: InstantRange) {
  return {
    hoursFrom: new Date(windowStartMs(fromMs, HOUR_MS)).toISOString(),
    hoursTo: new Date(toMs).toISOString(),
  };
}

/** An hour of the hot store that was ever marked to be counted again. */
export interface HourMarks {
  /** Start of the hour, epoch milliseconds. */
  readonly hourMs: number;
  /** Whether it is still to be counted again. */
  readonly isDirty: boolean;
  /** Another text whenever it was counted again. */
  readonly healed: string;
}

export const hourMarksSchema = z.array(
  z.object({ hourMs: z.number(), isDirty: z.boolean(), healed: z.string() }),
) satisfies z.ZodType<HourMarks[]>;

/** SQL of the marks of hours, as JSON, the oldest first; to be prepared, by `hotHoursParams`. */
export function hourMarksSql(): SQL {
  const { topic, eventHour, cause, healedAt, markedAt } = streamDirtyHours;
  return sql`
    select coalesce(json_agg(hour order by "hourMs"), '[]') from (
      select ${epochMs(sql`${eventHour}`)} as "hourMs",
        bool_or(${healedAt} is null or ${healedAt} < ${markedAt}) as "isDirty",
        string_agg(concat_ws(' ', ${topic}, ${cause}, extract(epoch from ${healedAt})), ','
          order by ${topic}, ${cause}) as healed
      from ${streamDirtyHours}
      where ${eventHour} >= ${sql.placeholder("hoursFrom")}::timestamptz
        and ${eventHour} < ${sql.placeholder("hoursTo")}::timestamptz
      group by ${eventHour}) as hour`;
}
