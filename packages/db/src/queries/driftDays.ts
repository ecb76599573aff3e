/** Which older days to look at again, since something of them has changed. */
import type { InstantRange, IsoDay } from "@trueclick/shared/calendar";
import { DAY_MS } from "@trueclick/shared/time";
import { sql } from "drizzle-orm";
import { z } from "zod";
import { driftDays } from "../postgres/schema/drift.ts";
import { streamDirtyHours } from "../postgres/schema/stream.ts";
import { truthCurrent } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";

/** A day of UTC, and what it had before it is looked at. */
export interface ChangedDay extends InstantRange {
  readonly day: IsoDay;
  readonly state: string;
}

const rowsSchema = z.array(z.object({ day: z.string(), state: z.string() }));

/** A billing day is of three days of UTC, whatever its zone. */
const DAYS_MAX = 3;

/**
 * Some of the days that have changed since they were looked at for that, those first that were looked at
 * longest ago, or never. A day has changed where a billing day that may touch it, in whatever zone, has
 * another version, or an hour of it was counted again.
 *
 * @param range The last day may be in it in part.
 */
export async function changedDriftDays(
  { db }: Pick<Stores, "db">,
  { fromMs, toMs }: InstantRange,
): Promise<ChangedDay[]> {
  const first = sql`${isoDay(fromMs)}::date`;
  const last = sql`${isoDay(toMs - 1)}::date`;
  const { topic, eventHour, cause, healedAt } = streamDirtyHours;
  const { advertiserId, billingDay, version } = truthCurrent;
  const { rows } = await db.execute(sql`
    with published as (
      select ${billingDay} as billing_day,
        md5(string_agg(concat_ws(' ', ${advertiserId}, ${version}), ',' order by ${advertiserId})) as state
      from ${truthCurrent} where ${billingDay} between ${first} - 1 and ${last} + 1 group by 1
    ), healed as (
      select (${eventHour} at time zone 'UTC')::date as day,
        md5(string_agg(concat_ws(' ', ${topic}, extract(epoch from ${eventHour}), ${cause},
          extract(epoch from ${healedAt})), ',' order by ${topic}, ${eventHour}, ${cause})) as state
      from ${streamDirtyHours} where ${healedAt} is not null group by 1
    ), day as (
      select day::date as day from generate_series(${first}, ${last}, interval '1 day') as day
    ), now as (
      select day, concat_ws('/',
        (select string_agg(state, ',' order by billing_day) from published
          where billing_day between day.day - 1 and day.day + 1),
        (select state from healed where healed.day = day.day)) as state
      from day
    )
    select now.day::text as day, now.state from now left join ${driftDays} as looked using (day)
    where now.state <> '' and now.state is distinct from looked.state
    order by looked.looked_at nulls first, now.day desc limit ${DAYS_MAX}`);
  return rowsSchema.parse(rows).map((found) => {
    const startMs = Date.parse(found.day);
    return { ...found, fromMs: startMs, toMs: Math.min(startMs + DAY_MS, toMs) };
  });
}

/** To be called once the day was looked at: who dies before is followed by one who looks again. */
export async function noteDriftDay(
  { db }: Pick<Stores, "db">,
  { day, state }: ChangedDay,
): Promise<void> {
  const lookedAt = sql`clock_timestamp()`;
  await db
    .insert(driftDays)
    .values({ day, state })
    .onConflictDoUpdate({ target: driftDays.day, set: { state, lookedAt } });
}

const isoDay = (ms: number): IsoDay => new Date(ms).toISOString().slice(0, 10);
