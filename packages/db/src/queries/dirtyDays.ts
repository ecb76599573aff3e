import { dayBounds, dayOf, daysBetween, hoursTouched } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { HOUR_MS } from "@trueclick/shared/time";
import { asc, eq, inArray, max, sql } from "drizzle-orm";
import { isOneOf } from "../postgres/conditions.ts";
import { archiveObjects } from "../postgres/schema/archive.ts";
import { batchJobObjects, batchJobs } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";
import { type AdvertiserRow, listAdvertisers } from "./advertisers.ts";
import { remembered } from "./billingDays.ts";
import type { TruthPartition } from "./jobs.ts";

/** The objects of an event hour, as one short text that is equal only for equal sets. */
type HourObjects = ReadonlyMap<number, string>;

/**
 * The billing days of which the archive holds other objects than were counted last: those never
 * counted included, oldest first. A day counts as counted also when it came out as it was.
 */
export async function truthDirtyDays(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
): Promise<TruthPartition[]> {
  // One snapshot: an object that is archived meanwhile makes its day dirty at the next call.
  return db.transaction(
    async (tx) => {
      const [advertisers, archived, counted] = [
        await listAdvertisers({ db: tx }, scope),
        await archivedHours({ db: tx }),
        await countedHours({ db: tx }, scope),
      ];
      const daysIn = remembered((timeZone: string) => daysOfHours([...archived.keys()], timeZone));
      return advertisers
        .flatMap((advertiser) => dirtyDaysOf(advertiser, daysIn, archived, counted))
        .sort((a, b) => (a.billingDay < b.billingDay ? -1 : a.billingDay > b.billingDay ? 1 : 0));
    },
    { isolationLevel: "repeatable read", accessMode: "read only" },
  );
}

type Reader = { readonly db: Pick<Stores["db"], "select"> };
type DayHours = ReadonlyMap<string, readonly number[]>;

function dirtyDaysOf(
  { id, timeZone }: AdvertiserRow,
  daysIn: (timeZone: string) => DayHours,
  archived: HourObjects,
  counted: ReadonlyMap<string, HourObjects>,
): TruthPartition[] {
  return [...daysIn(timeZone)]
    .filter(([day, hours]) => {
      const before = counted.get(partitionKey(id, day));
      return hours.some((hour) => archived.get(hour) !== before?.get(hour));
    })
    .map(([billingDay]) => ({ advertiserId: id, billingDay }));
}

const partitionKey = (advertiserId: AdvertiserId, day: string) => `${day}/${advertiserId}`;

/** The local days that hold any of the hours, each with all the hours that it touches. */
function daysOfHours(hours: readonly number[], timeZone: string): DayHours {
  const days = new Set(
    hours.flatMap((hour) =>
      daysBetween(dayOf(hour, timeZone), dayOf(hour + HOUR_MS - 1, timeZone)),
    ),
  );
  return new Map([...days].sort().map((day) => [day, hoursTouched(dayBounds(day, timeZone))]));
}

const objectsText = sql<string>`md5(string_agg(${archiveObjects.path}, '/' order by ${archiveObjects.path}))`;

async function archivedHours({ db }: Reader): Promise<HourObjects> {
  const rows = await db
    .select({ eventHour: archiveObjects.eventHour, objects: objectsText })
    .from(archiveObjects)
    .groupBy(archiveObjects.eventHour);
  return new Map(rows.map(({ eventHour, objects }) => [eventHour.getTime(), objects]));
}

/** Objects by hour of the last job of each partition that came to an end, by day and advertiser. */
async function countedHours(
  { db }: Reader,
  scope: TenantScope,
): Promise<ReadonlyMap<string, HourObjects>> {
  const last = await db
    .select({
      advertiserId: batchJobs.advertiserId,
      billingDay: batchJobs.billingDay,
      id: max(batchJobs.id),
    })
    .from(batchJobs)
    .where(
      sql`${tenantWhere(scope, batchJobs.advertiserId)}
        and ${inArray(batchJobs.state, ["published", "verified"])}`,
    )
    .groupBy(batchJobs.advertiserId, batchJobs.billingDay);
  const ids = last.flatMap(({ id }) => (id === null ? [] : [id]));
  const rows = await db
    .select({
      jobId: batchJobObjects.jobId,
      eventHour: archiveObjects.eventHour,
      objects: objectsText,
    })
    .from(batchJobObjects)
    .innerJoin(archiveObjects, eq(archiveObjects.path, batchJobObjects.path))
    .where(isOneOf(batchJobObjects.jobId, ids))
    .groupBy(batchJobObjects.jobId, archiveObjects.eventHour)
    .orderBy(asc(batchJobObjects.jobId));
  const ofJob = Map.groupBy(rows, ({ jobId }) => Number(jobId));
  return new Map(
    last.map(({ advertiserId, billingDay, id }) => [
      partitionKey(advertiserId, billingDay),
      new Map(
        (ofJob.get(id ?? 0) ?? []).map(({ eventHour, objects }) => [eventHour.getTime(), objects]),
      ),
    ]),
  );
}
