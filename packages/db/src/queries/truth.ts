import { dayBounds, dayOf, type IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { and, asc, count, desc, eq, gt, gte, lt, lte, or, type SQL } from "drizzle-orm";
import { advertisers } from "../postgres/schema/advertisers.ts";
import { emptyDays } from "../postgres/schema/emptyDays.ts";
import {
  batchJobObjects,
  batchJobs,
  truthCurrent,
  truthVersions,
} from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";
import { LIST_ROWS_MAX } from "./advertisers.ts";
import { remembered } from "./billingDays.ts";
import { closesAtMs, type Finality, finalityOf } from "./finality.ts";

/** A version of a truth partition, current or not. */
export interface TruthVersionRow {
  readonly advertiserId: AdvertiserId;
  readonly billingDay: IsoDay;
  readonly version: number;
  /** Whether it is the one that readers see. */
  readonly current: boolean;
  /** Of the numbers of this version; a version that is not `current` is seen by no reader. */
  readonly finality: Finality;
  /** When the day closes: its number is final then, unless it is corrected. */
  readonly finalAt: Date;
  readonly jobId: number;
  readonly inputsHash: string;
  readonly contentHash: string;
  /** Clicks by verdict. */
  readonly verdictCounts: Readonly<Record<string, number>>;
  readonly costMicros: bigint;
  readonly currency: string;
  readonly cause: string;
  readonly publishedAt: Date;
}

/** The place of a version in the list. */
export interface TruthVersionKey {
  readonly billingDay: IsoDay;
  readonly advertiserId: AdvertiserId;
  readonly version: number;
}

interface TruthPartitionFilter {
  readonly advertiserId?: AdvertiserId | undefined;
  /** Inclusive. */
  readonly fromDay?: IsoDay | undefined;
  /** Inclusive. */
  readonly toDay?: IsoDay | undefined;
  /** Only days of which some part lies at or after it, each in its advertiser's zone. */
  readonly fromMs?: number | undefined;
  /** Exclusive: only days that began before it. */
  readonly toMs?: number | undefined;
  /** Only versions that come after this one in the list. */
  readonly after?: TruthVersionKey | undefined;
  /** At most `LIST_ROWS_MAX`, which is also the default. */
  readonly limit?: number | undefined;
}

/** Every version of the truth partitions of a scope: newest day first, newest version first. */
export async function listTruthPartitions(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  filter: TruthPartitionFilter = {},
  nowMs: number = Date.now(),
): Promise<TruthVersionRow[]> {
  const inRange = await daysInRange(db, filter);
  const rows = await db
    .select({
      version: truthVersions,
      currentVersion: truthCurrent.version,
      timeZone: advertisers.timeZone,
      settlingHours: advertisers.settlingHours,
      refutedAt: emptyDays.refutedAt,
    })
    .from(truthVersions)
    .innerJoin(advertisers, eq(advertisers.id, truthVersions.advertiserId))
    .innerJoin(
      truthCurrent,
      and(
        eq(truthCurrent.advertiserId, truthVersions.advertiserId),
        eq(truthCurrent.billingDay, truthVersions.billingDay),
      ),
    )
    .leftJoin(
      emptyDays,
      and(
        eq(emptyDays.advertiserId, truthVersions.advertiserId),
        eq(emptyDays.billingDay, truthVersions.billingDay),
      ),
    )
    .where(and(tenantWhere(scope, truthVersions.advertiserId), partitionsWhere(filter), inRange))
    .orderBy(
      desc(truthVersions.billingDay),
      asc(truthVersions.advertiserId),
      desc(truthVersions.version),
    )
    .limit(Math.min(filter.limit ?? LIST_ROWS_MAX, LIST_ROWS_MAX));

  const endIn = remembered((timeZone: string) =>
    remembered((day: IsoDay) => dayBounds(day, timeZone).toMs),
  );
  return rows.map(({ version: row, currentVersion, timeZone, settlingHours, refutedAt }) => ({
    ...row,
    jobId: Number(row.jobId),
    current: row.version === currentVersion,
    finalAt: new Date(closesAtMs(endIn(timeZone)(row.billingDay), settlingHours)),
    finality: finalityOf({
      dayEndMs: endIn(timeZone)(row.billingDay),
      settlingHours,
      nowMs,
      current: { version: row.version, publishedAtMs: row.publishedAt.getTime() },
      emptiness: refutedAt === null ? "unknown" : "refuted",
    }),
  }));
}

function partitionsWhere({ advertiserId, fromDay, toDay, after }: TruthPartitionFilter) {
  const conditions: (SQL | undefined)[] = [
    advertiserId === undefined ? undefined : eq(truthVersions.advertiserId, advertiserId),
    fromDay === undefined ? undefined : gte(truthVersions.billingDay, fromDay),
    toDay === undefined ? undefined : lte(truthVersions.billingDay, toDay),
    after === undefined ? undefined : comesAfter(after),
  ];
  return and(...conditions);
}

/** Which day an instant is on is a matter of the zone; of those there are few. */
async function daysInRange(
  db: Pick<Stores["db"], "selectDistinct">,
  { fromMs, toMs }: TruthPartitionFilter,
): Promise<SQL | undefined> {
  if (fromMs === undefined && toMs === undefined) return undefined;
  const { timeZone: zoneColumn } = advertisers;
  const zones = await db.selectDistinct({ timeZone: zoneColumn }).from(advertisers);
  const { billingDay } = truthVersions;
  const ofZones = zones.map(({ timeZone }) =>
    and(
      eq(zoneColumn, timeZone),
      fromMs === undefined ? undefined : gte(billingDay, dayOf(fromMs, timeZone)),
      toMs === undefined ? undefined : lte(billingDay, dayOf(toMs - 1, timeZone)),
    ),
  );
  return or(...ofZones);
}

/** The list's order as a condition. */
function comesAfter(key: TruthVersionKey) {
  return or(
    lt(truthVersions.billingDay, key.billingDay),
    and(
      eq(truthVersions.billingDay, key.billingDay),
      or(
        gt(truthVersions.advertiserId, key.advertiserId),
        and(
          eq(truthVersions.advertiserId, key.advertiserId),
          lt(truthVersions.version, key.version),
        ),
      ),
    ),
  );
}

/** Most objects that a job's detail lists. */
const JOB_OBJECTS_LISTED_MAX = 5_000;

export type JobRow = typeof batchJobs.$inferSelect;

export interface JobDetail extends JobRow {
  /** The version that it published; null if it published none. */
  readonly version: number | null;
  /** The archive objects that it pinned, with the hash that they must have. */
  readonly objects: readonly JobObject[];
  /** How many more it pinned than `objects` lists. */
  readonly objectsOmitted: number;
}

export interface JobObject {
  readonly path: string;
  readonly sha256: string;
  readonly rows: bigint;
}

/** One job with everything that it pinned; null for an unknown id and for one outside of the scope. */
export async function getJob(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  id: number,
): Promise<JobDetail | null> {
  const [found] = await db
    .select({ job: batchJobs, version: truthVersions.version })
    .from(batchJobs)
    .leftJoin(truthVersions, eq(truthVersions.jobId, batchJobs.id))
    .where(and(eq(batchJobs.id, id), tenantWhere(scope, batchJobs.advertiserId)));
  if (found === undefined) return null;

  const ofJob = eq(batchJobObjects.jobId, BigInt(id));
  const { path, sha256, rows } = batchJobObjects;
  const [objects, [counted]] = await Promise.all([
    db
      .select({ path, sha256, rows })
      .from(batchJobObjects)
      .where(ofJob)
      .orderBy(asc(path))
      .limit(JOB_OBJECTS_LISTED_MAX),
    db.select({ objects: count() }).from(batchJobObjects).where(ofJob),
  ]);
  return {
    ...found.job,
    version: found.version,
    objects,
    objectsOmitted: (counted?.objects ?? objects.length) - objects.length,
  };
}
