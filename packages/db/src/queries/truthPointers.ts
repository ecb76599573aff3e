import { dayBounds, type InstantRange, type IsoDay } from "@trueclick/shared/calendar";
import { type AdvertiserId, advertiserIdSchema } from "@trueclick/shared/ids";
import { DAY_MS } from "@trueclick/shared/time";
import { and, asc, between, desc, eq, type SQL, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import { z } from "zod";
import { isCurrentVersion } from "../postgres/currentVersion.ts";
import type { Database } from "../postgres/database.ts";
import { advertisers } from "../postgres/schema/advertisers.ts";
import { truthCurrent, truthVersions } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { preparedTenantWhere, type TenantKind, type TenantScope, tenantWhere } from "../tenant.ts";
import { remembered } from "./billingDays.ts";
import type { HeldRows } from "./heldRows.ts";

/** The version of one truth partition that readers see, and where its rows lie. */
export interface TruthPointer extends HeldRows {
  readonly advertiserId: AdvertiserId;
  readonly billingDay: IsoDay;
  readonly version: number;
  readonly currency: string;
  readonly settlingHours: number;
  readonly publishedAtMs: number;
  readonly validClicks: number;
  /** The instants of the billing day in the advertiser's zone. */
  readonly bounds: InstantRange;
}

/**
 * The current versions of the billing days that a range touches, by advertiser and day. One
 * statement, so one snapshot: a version published meanwhile is in it whole or not at all (I6).
 */
export async function currentTruth(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  range: InstantRange,
): Promise<TruthPointer[]> {
  const rows = await db
    .select(pointerColumns)
    .from(truthCurrent)
    .innerJoin(truthVersions, isCurrentVersion())
    .innerJoin(advertisers, eq(advertisers.id, truthCurrent.advertiserId))
    .where(
      and(tenantWhere(scope, truthCurrent.advertiserId), isDayNear(truthCurrent.billingDay, range)),
    )
    .orderBy(asc(truthCurrent.advertiserId), asc(truthCurrent.billingDay));
  return toPointers(rows, range);
}

/**
 * A select of the same, or of the versions that were current at an instant of the past: of each partition
 * the newest that was published by then. A version is dated by the start of the transaction that published
 * it. To be part of a prepared statement, by `pointerParams`, and read by `pointerRowsSchema`.
 */
export function preparedPointers(db: Database, kind: TenantKind, when: "current" | "past") {
  if (when === "current") {
    const { advertiserId, billingDay } = truthCurrent;
    return db
      .select(pointerJson)
      .from(truthCurrent)
      .innerJoin(truthVersions, isCurrentVersion())
      .innerJoin(advertisers, eq(advertisers.id, advertiserId))
      .where(and(preparedTenantWhere(kind, advertiserId), isPreparedDay(billingDay)))
      .orderBy(asc(advertiserId), asc(billingDay));
  }
  const { advertiserId, billingDay, version, publishedAt } = truthVersions;
  return db
    .selectDistinctOn([advertiserId, billingDay], pointerJson)
    .from(truthVersions)
    .innerJoin(advertisers, eq(advertisers.id, advertiserId))
    .where(
      and(
        preparedTenantWhere(kind, advertiserId),
        isPreparedDay(billingDay),
        sql`${publishedAt} <= ${sql.placeholder("asOf")}::timestamptz`,
      ),
    )
    .orderBy(asc(advertiserId), asc(billingDay), desc(version));
}

/** @param asOfMs Null for the current versions. */
export function pointerParams(range: InstantRange, asOfMs: number | null) {
  const [firstDay, lastDay] = daysNear(range);
  const days = { firstDay, lastDay };
  return asOfMs === null ? days : { ...days, asOf: new Date(asOfMs).toISOString() };
}

/** SQL condition: a day of `pointerParams`. */
export const isPreparedDay = (billingDay: AnyPgColumn): SQL =>
  sql`${billingDay} between ${sql.placeholder("firstDay")}::date and ${sql.placeholder("lastDay")}::date`;

const pointerColumns = {
  advertiserId: truthVersions.advertiserId,
  billingDay: truthVersions.billingDay,
  version: truthVersions.version,
  jobId: truthVersions.jobId,
  takenOver: truthVersions.takenOver,
  currency: truthVersions.currency,
  publishedAt: truthVersions.publishedAt,
  validClicks: sql`coalesce(${truthVersions.verdictCounts} ->> 'valid', '0')`.mapWith(Number),
  settlingHours: advertisers.settlingHours,
  timeZone: advertisers.timeZone,
};

/** The same columns by the names that their rows have as JSON. */
const pointerJson = {
  advertiserId: sql`${truthVersions.advertiserId}`.as("advertiserId"),
  billingDay: sql`${truthVersions.billingDay}`.as("billingDay"),
  version: truthVersions.version,
  jobId: sql`${truthVersions.jobId}::text`.as("jobId"),
  takenOver: sql`${truthVersions.takenOver}`.as("takenOver"),
  currency: truthVersions.currency,
  publishedAt: sql`${truthVersions.publishedAt}`.as("publishedAt"),
  validClicks: pointerColumns.validClicks.as("validClicks"),
  settlingHours: sql`${advertisers.settlingHours}`.as("settlingHours"),
  timeZone: sql`${advertisers.timeZone}`.as("timeZone"),
};

export const pointerRowsSchema = z.array(
  z.object({
    advertiserId: advertiserIdSchema,
    billingDay: z.string(),
    version: z.number(),
    jobId: z.coerce.bigint(),
    takenOver: z.array(z.object({ buildId: z.number(), hours: z.array(z.number()) })),
    currency: z.string(),
    publishedAt: z.coerce.date(),
    validClicks: z.coerce.number(),
    settlingHours: z.number(),
    timeZone: z.string(),
  }),
);

type PointerRow = Omit<TruthPointer, "buildId" | "publishedAtMs" | "bounds"> & {
  readonly jobId: bigint;
  readonly publishedAt: Date;
  readonly timeZone: string;
};

/** The billing days that a range touches in their zones. */
export function toPointers(
  rows: readonly PointerRow[],
  { fromMs, toMs }: InstantRange,
): TruthPointer[] {
  // Many advertisers share a zone, and bounds are worked out from its history each time.
  const boundsIn = remembered((timeZone: string) =>
    remembered((day: IsoDay) => dayBounds(day, timeZone)),
  );
  return rows
    .map(({ jobId, publishedAt, timeZone, ...row }) => ({
      ...row,
      buildId: Number(jobId),
      publishedAtMs: publishedAt.getTime(),
      bounds: boundsIn(timeZone)(row.billingDay),
    }))
    .filter(({ bounds }) => bounds.fromMs < toMs && bounds.toMs > fromMs);
}

function isDayNear(billingDay: AnyPgColumn, range: InstantRange) {
  return between(billingDay, ...daysNear(range));
}

/** Billing days that a range may touch, whatever the zone: the first and the last. */
const daysNear = ({ fromMs, toMs }: InstantRange): [IsoDay, IsoDay] => [
  utcDay(fromMs - WIDEST_OFFSET_MS),
  utcDay(toMs + WIDEST_OFFSET_MS),
];

/** No zone is a whole day from UTC, so no local date is further than that from the UTC date. */
const WIDEST_OFFSET_MS = DAY_MS;

function utcDay(instantMs: number): IsoDay {
  const clamped = Math.min(Math.max(instantMs, INSTANT_MIN_MS), INSTANT_MAX_MS);
  return new Date(clamped).toISOString().slice(0, 10);
}

/** The years that dates of four digits can name. */
const INSTANT_MIN_MS = Date.parse("0001-01-01T00:00:00Z");
const INSTANT_MAX_MS = Date.parse("9999-12-31T00:00:00Z");
