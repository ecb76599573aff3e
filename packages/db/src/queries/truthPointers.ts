import { dayBounds, type InstantRange, type IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { DAY_MS } from "@trueclick/shared/time";
import { and, asc, between, desc, eq, lte, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import { isCurrentVersion } from "../postgres/currentVersion.ts";
import { advertisers } from "../postgres/schema/advertisers.ts";
import { truthCurrent, truthVersions } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";
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

/** The versions as of an instant of the past, epoch milliseconds; the current ones for null. */
export function truthAt(
  stores: Pick<Stores, "db">,
  scope: TenantScope,
  range: InstantRange,
  asOfMs: number | null,
): Promise<TruthPointer[]> {
  return asOfMs === null
    ? currentTruth(stores, scope, range)
    : truthAsOf(stores, scope, range, asOfMs);
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
 * The versions that were current at an instant: of each partition the newest that was published by
 * then. A version is dated by the start of the transaction that published it.
 */
async function truthAsOf(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  range: InstantRange,
  asOfMs: number,
): Promise<TruthPointer[]> {
  const { advertiserId, billingDay, version, publishedAt } = truthVersions;
  const rows = await db
    .selectDistinctOn([advertiserId, billingDay], pointerColumns)
    .from(truthVersions)
    .innerJoin(advertisers, eq(advertisers.id, advertiserId))
    .where(
      and(
        tenantWhere(scope, advertiserId),
        isDayNear(billingDay, range),
        lte(publishedAt, new Date(asOfMs)),
      ),
    )
    .orderBy(asc(advertiserId), asc(billingDay), desc(version));
  return toPointers(rows, range);
}

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

type PointerRow = Omit<TruthPointer, "buildId" | "publishedAtMs" | "bounds"> & {
  readonly jobId: bigint;
  readonly publishedAt: Date;
  readonly timeZone: string;
};

/** The billing days that a range touches in their zones. */
function toPointers(rows: readonly PointerRow[], { fromMs, toMs }: InstantRange): TruthPointer[] {
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

function isDayNear(billingDay: AnyPgColumn, { fromMs, toMs }: InstantRange) {
  return between(billingDay, utcDay(fromMs - WIDEST_OFFSET_MS), utcDay(toMs + WIDEST_OFFSET_MS));
}

/** No zone is a whole day from UTC, so no local date is further than that from the UTC date. */
const WIDEST_OFFSET_MS = DAY_MS;

function utcDay(instantMs: number): IsoDay {
  const clamped = Math.min(Math.max(instantMs, INSTANT_MIN_MS), INSTANT_MAX_MS);
  return new Date(clamped).toISOString().slice(0, 10);
}

/** The years that dates of four digits can name. */
const INSTANT_MIN_MS = Date.parse("0001-01-01T00:00:00Z");
const INSTANT_MAX_MS = Date.parse("9999-12-31T00:00:00Z");
