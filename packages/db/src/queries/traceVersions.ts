import { dayBounds, type IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import { and, asc, eq, or } from "drizzle-orm";
import { isOneOf } from "../postgres/conditions.ts";
import { advertisers } from "../postgres/schema/advertisers.ts";
import { truthCurrent, truthLines, truthVersions } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";
import type { TakenOver } from "./heldRows.ts";
import type { TruthPartition } from "./jobs.ts";
import { truthFrontiers } from "./truthFrontiers.ts";

/** A billed line: what one campaign costs on one day, at one version. */
export interface BilledIn {
  readonly advertiserId: AdvertiserId;
  readonly billingDay: IsoDay;
  readonly version: number;
  readonly campaignId: CampaignId;
  readonly clicks: bigint;
  readonly costMicros: bigint;
  readonly currency: string;
}

export interface VersionOfDay {
  readonly advertiserId: AdvertiserId;
  readonly billingDay: IsoDay;
  readonly version: number;
  readonly current: boolean;
  readonly jobId: number;
  /** What its build has taken over of earlier ones. */
  readonly takenOver: readonly TakenOver[];
  readonly publishedAt: Date;
  /** By partition, the first offset that the version's inputs do not hold. */
  readonly frontiers: ReadonlyMap<number, bigint>;
  readonly lines: readonly BilledIn[];
}

/** Every version of some billing days, oldest first, with its lines and how far its inputs reach. */
export async function versionsOfDays(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  days: readonly TruthPartition[],
): Promise<VersionOfDay[]> {
  if (days.length === 0) return [];
  const rows = await db
    .select({
      version: truthVersions,
      currentVersion: truthCurrent.version,
      timeZone: advertisers.timeZone,
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
    .where(
      and(
        tenantWhere(scope, truthVersions.advertiserId),
        or(
          ...days.map(({ advertiserId, billingDay }) =>
            and(
              eq(truthVersions.advertiserId, advertiserId),
              eq(truthVersions.billingDay, billingDay),
            ),
          ),
        ),
      ),
    )
    .orderBy(asc(truthVersions.billingDay), asc(truthVersions.version));

  const builds = rows.map(({ version, timeZone }) => ({
    buildId: Number(version.jobId),
    bounds: dayBounds(version.billingDay, timeZone),
  }));
  const [frontiers, lines] = await Promise.all([
    truthFrontiers({ db }, builds),
    linesOf(
      { db },
      scope,
      rows.map(({ version }) => version),
    ),
  ]);
  return rows.map(({ version: { advertiserId, billingDay, version, ...row }, currentVersion }) => {
    const jobId = Number(row.jobId);
    const ofBuild = frontiers.filter(({ buildId }) => buildId === jobId);
    return {
      advertiserId,
      billingDay,
      version,
      jobId,
      takenOver: row.takenOver,
      current: version === currentVersion,
      publishedAt: row.publishedAt,
      frontiers: new Map(ofBuild.map(({ partition, offset }) => [partition, offset])),
      lines: lines
        .filter((line) => line.billingDay === billingDay && line.version === version)
        .filter((line) => line.advertiserId === advertiserId)
        .map(({ campaignId, clicks, costMicros }) => ({
          advertiserId,
          billingDay,
          version,
          campaignId,
          clicks,
          costMicros,
          currency: row.currency,
        })),
    };
  });
}

async function linesOf(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  versions: readonly TruthPartition[],
) {
  const days = [...new Set(versions.map(({ billingDay }) => billingDay))];
  const ids = [...new Set(versions.map(({ advertiserId }) => advertiserId))];
  return db
    .select()
    .from(truthLines)
    .where(
      and(
        tenantWhere(scope, truthLines.advertiserId),
        isOneOf(truthLines.advertiserId, ids),
        isOneOf(truthLines.billingDay, days),
      ),
    );
}
