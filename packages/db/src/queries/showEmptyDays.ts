import { addDays, dayBounds, dayOf, type IsoDay } from "@trueclick/shared/calendar";
import { type AdvertiserId, advertiserIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS } from "@trueclick/shared/time";
import { count, gte, sql } from "drizzle-orm";
import { z } from "zod";
import { advertisers } from "../postgres/schema/advertisers.ts";
import { archiveObjects } from "../postgres/schema/archive.ts";
import { emptyDayLooks } from "../postgres/schema/emptyDays.ts";
import type { Stores } from "../stores.ts";
import type { TenantScope } from "../tenant.ts";
import { type ArchiveReach, archiveReach } from "./archiveReach.ts";
import { campaignHours, INDEXED_FOR_MS } from "./campaignHours.ts";

export interface EmptyDaysOptions {
  /** The topic whose archive is billed. */
  readonly topic: string;
  /** What was taken in so long before it was read is there, milliseconds. */
  readonly allowedLatenessMs: number;
}

/** Days of one look; the next goes on. */
const DAYS_MAX = 20_000;
/** Any number that no other advisory lock of this database has. */
const LOCK = 0x5c_4e_d0_1f;
const ALL: TenantScope = { kind: "all" };

/**
 * Looks for days that have closed without a version and of which the archive, read past their close and an
 * allowed lateness more, has no event of the advertiser; and notes them. Answers with how many it were; they
 * are said to be closed from then on. One process looks at a time, others find none.
 *
 * What is not known is not said: nothing while a partition of the log was not read so far, nor of days that
 * are older than the row index. A day with events is left to be counted, and so is one that shares an hour
 * with events of its neighbour.
 *
 * A look in which nothing can be found that the one before did not see is left out: none has closed since,
 * and no advertiser has come.
 */
export function createEmptyDaysLook(
  stores: Stores,
  { topic, allowedLatenessMs }: EmptyDaysOptions,
): (nowMs: number) => Promise<number> {
  let seen: Seen = { key: "", after: null };
  return async (nowMs) => {
    const looked = await stores.db.transaction(async (tx) => {
      const lock = await tx.execute<{ held: boolean }>(
        sql`select pg_try_advisory_xact_lock(${LOCK}) as held`,
      );
      if (lock.rows[0]?.held !== true) return null;
      // The row index is asked after: it has all that the archive had by now.
      const reach = await archiveReach({ db: tx }, topic);
      if (reach === null) return null;
      const read = { ...reach, readThroughMs: reach.readThroughMs - allowedLatenessMs };
      const closed = await closedDays(tx, read.readThroughMs, nowMs);
      const key = JSON.stringify(closed);
      const after = key === seen.key ? seen.after : null;
      if (after === "all") return null;

      const days = await uncountedDays(tx, closed, after);
      const empty = await withoutEvents(stores, tx, days, nowMs);
      const noted = await noteEmptyDays(tx, empty, read, topic);
      return { noted, seen: { key, after: days[DAYS_MAX - 1] ?? ("all" as const) } };
    });
    if (looked === null) return 0;
    seen = looked.seen;
    return looked.noted;
  };
}

/** What had closed at the last look, and up to which day, the newest first, it was looked at. */
interface Seen {
  readonly key: string;
  readonly after: UncountedDay | "all" | null;
}

type Transaction = Pick<Stores["db"], "select" | "selectDistinct" | "insert" | "execute">;

/** The days of some advertisers that had closed by an instant, as far back as the row index knows. */
interface ClosedDays {
  readonly timeZone: string;
  readonly settlingHours: number;
  readonly advertisers: number;
  readonly firstDay: IsoDay;
  readonly lastDay: IsoDay;
}

async function closedDays(
  tx: Transaction,
  readThroughMs: number,
  nowMs: number,
): Promise<ClosedDays[]> {
  const { timeZone, settlingHours } = advertisers;
  const kinds = await tx
    .select({ timeZone, settlingHours, advertisers: count() })
    .from(advertisers)
    .groupBy(timeZone, settlingHours)
    .orderBy(timeZone, settlingHours);
  return kinds.map((kind) => ({
    ...kind,
    firstDay: addDays(dayOf(nowMs - INDEXED_FOR_MS, kind.timeZone), 1),
    // The day in which a day that closed just now would still be running has not closed.
    lastDay: addDays(dayOf(readThroughMs - kind.settlingHours * HOUR_MS, kind.timeZone), -1),
  }));
}

const notedRow = z.object({ noted: z.coerce.number() });
const dayRow = z.object({ advertiser: advertiserIdSchema, zone: z.string(), day: z.string() });

interface UncountedDay {
  readonly advertiserId: AdvertiserId;
  readonly billingDay: IsoDay;
  readonly timeZone: string;
}

/** Those without a version of which nothing is noted yet, the newest first. */
async function uncountedDays(
  tx: Transaction,
  closed: readonly ClosedDays[],
  after: UncountedDay | null,
): Promise<UncountedDay[]> {
  const [afterDay, afterId] = [after?.billingDay ?? null, after?.advertiserId ?? null];
  const column = <Key extends keyof ClosedDays>(key: Key) => sql.param(closed.map((of) => of[key]));
  const { rows } = await tx.execute(sql`
    select advertiser.id as advertiser, time_zone as zone, day::date::text as day
    from unnest(${column("timeZone")}::text[], ${column("settlingHours")}::int[],
      ${column("firstDay")}::date[], ${column("lastDay")}::date[])
      as closed (time_zone, settling_hours, first_day, last_day)
    join advertisers as advertiser using (time_zone, settling_hours)
    cross join lateral generate_series(first_day::timestamp, last_day, interval '1 day') as day
    where not exists (select from truth_current as counted
        where counted.advertiser_id = advertiser.id and counted.billing_day = day::date)
      and not exists (select from empty_days as noted
        where noted.advertiser_id = advertiser.id and noted.billing_day = day::date)
      and (${afterDay}::date is null or day < ${afterDay}::date
        or day = ${afterDay}::date and advertiser.id > ${afterId}::text)
    order by day desc, advertiser.id
    limit ${DAYS_MAX}`);
  return rows
    .map((row) => dayRow.parse(row))
    .map(({ advertiser, zone, day }) => {
      return { advertiserId: advertiser, billingDay: day, timeZone: zone };
    });
}

/**
 * Those that neither the index nor the archive has anything of. An hour that the manifest has objects of and
 * the index no row, of nobody, is one that the index has lost: nothing is said of its days.
 */
async function withoutEvents(
  stores: Stores,
  tx: Transaction,
  days: readonly UncountedDay[],
  nowMs: number,
): Promise<UncountedDay[]> {
  const bounded = days.map((day) => ({ day, bounds: dayBounds(day.billingDay, day.timeZone) }));
  const oldestMs = bounded.reduce((least, { bounds }) => Math.min(least, bounds.fromMs), Infinity);
  if (oldestMs === Infinity) return [];
  const known = await campaignHours(stores, ALL, nowMs, oldestMs);
  const archived = await tx
    .selectDistinct({ hour: archiveObjects.eventHour })
    .from(archiveObjects)
    .where(gte(archiveObjects.eventHour, new Date(oldestMs - HOUR_MS)));
  const lost = archived
    .map(({ hour }) => hour.getTime())
    .filter((hour) => !known.indexed.has(hour));
  return bounded
    .filter(({ day, bounds }) => known.hasEvents(day.advertiserId, bounds, null) === "no")
    .filter(({ bounds }) => !lost.some((ms) => ms + HOUR_MS > bounds.fromMs && ms < bounds.toMs))
    .map(({ day }) => day);
}

/** A day that was counted meanwhile is none of them. */
async function noteEmptyDays(
  tx: Transaction,
  days: readonly UncountedDay[],
  { readThroughMs, nextOffsets }: ArchiveReach,
  topic: string,
): Promise<number> {
  if (days.length === 0) return 0;
  const [look] = await tx
    .insert(emptyDayLooks)
    .values({ topic, readThrough: new Date(readThroughMs), nextOffsets })
    .returning({ id: emptyDayLooks.id });
  const { rows } = await tx.execute(sql`
    with noted as (
      insert into empty_days (advertiser_id, billing_day, look_id)
      select advertiser_id, billing_day, ${look?.id ?? null}::bigint
      from unnest(${sql.param(days.map((day) => day.advertiserId))}::text[],
        ${sql.param(days.map((day) => day.billingDay))}::date[]) as day (advertiser_id, billing_day)
      where not exists (select from truth_current as counted
        where counted.advertiser_id = day.advertiser_id and counted.billing_day = day.billing_day)
      on conflict do nothing
      returning advertiser_id, billing_day
    ), spans as (
      insert into empty_day_spans (advertiser_id, days)
      select advertiser_id, range_agg(daterange(billing_day, billing_day + 1))
      from noted group by advertiser_id
      on conflict (advertiser_id) do update set days = empty_day_spans.days + excluded.days
    )
    select count(*) as noted from noted`);
  return notedRow.parse(rows[0]).noted;
}
