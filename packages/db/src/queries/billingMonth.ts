import { dayBounds, dayOf, daysBetween, type IsoDay, monthDays } from "@trueclick/shared/calendar";
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import { and, asc, between, eq } from "drizzle-orm";
import { isCurrentVersion } from "../postgres/currentVersion.ts";
import { campaigns } from "../postgres/schema/campaigns.ts";
import { truthCurrent, truthLines, truthVersions } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { narrowScope, type TenantScope, tenantWhere } from "../tenant.ts";
import { type AdvertiserRow, listAdvertisers } from "./advertisers.ts";
import { emptyFacts, knownEmptiness } from "./emptyDays.ts";
import {
  closesAtMs,
  type DayFinalityFacts,
  type Finality,
  finalityOf,
  leastFinal,
} from "./finality.ts";

/** What is counted for billing, of a line or added up. */
export interface BilledCounts {
  /** Valid clicks: what is billed. */
  readonly clicks: bigint;
  /** All but duplicates and test traffic. */
  readonly grossClicks: bigint;
  /** Gross without general invalid traffic. */
  readonly netClicks: bigint;
  readonly duplicateClicks: bigint;
  readonly impressions: bigint;
  readonly conversions: bigint;
  readonly costMicros: bigint;
  /** Conversions of these days that are due to a valid click of the campaign, and their value. */
  readonly attributedConversions: bigint;
  readonly attributedValueMicros: bigint;
}

/** What one campaign costs on one day. */
export interface BilledLine extends BilledCounts {
  readonly campaignId: CampaignId;
  readonly campaignName: string | null;
  /** Exact, of this day alone: users of several days do not add up. */
  readonly uniqueUsers: bigint;
}

export interface BilledDay {
  readonly day: IsoDay;
  readonly finality: Finality;
  /** When the day closes: its number is final then, unless it is corrected. */
  readonly finalAt: Date;
  /** Closed without an event: nothing was counted, and there was nothing to count. */
  readonly isEmpty: boolean;
  /** The version that the lines are of; null while the day was never counted for billing. */
  readonly version: number | null;
  readonly jobId: number | null;
  readonly publishedAt: Date | null;
  readonly totals: BilledCounts;
  readonly lines: readonly BilledLine[];
}

export interface BilledCampaign extends BilledCounts {
  readonly campaignId: CampaignId;
  readonly campaignName: string | null;
}

export interface BillingMonth {
  readonly advertiser: AdvertiserRow;
  /** `YYYY-MM`, in the advertiser's zone. */
  readonly month: string;
  readonly currency: string;
  /** The least final of the days that have begun. */
  readonly finality: Finality;
  /** When the last day of the month closes, and the day of that in the advertiser's zone. */
  readonly finalAt: Date;
  readonly finalOn: IsoDay;
  /** The days that have begun, oldest first, those without a line too. */
  readonly days: readonly BilledDay[];
  /** Dearest first. */
  readonly campaigns: readonly BilledCampaign[];
  readonly totals: BilledCounts;
  /**
   * The share of gross clicks of which all rules have decided whether they are valid: 1, since a version is not
   * published before; null where nothing was counted.
   */
  readonly decisionRate: number | null;
}

/**
 * A month as it is billed: per day, the lines of its current version.
 *
 * Null for an advertiser that the scope does not see.
 *
 * @throws {RangeError} on an impossible month, and if versions of it are in another currency than
 *   the advertiser's now: two currencies are never added up.
 */
export async function billingMonth(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  { advertiserId, month }: { readonly advertiserId: AdvertiserId; readonly month: string },
  nowMs: number = Date.now(),
): Promise<BillingMonth | null> {
  const tenant = narrowScope(scope, [advertiserId]);
  const [advertiser] = await listAdvertisers({ db }, tenant);
  if (advertiser === undefined) return null;

  const { first, last } = monthDays(month);
  const { timeZone, settlingHours } = advertiser;
  const range = { fromMs: dayBounds(first, timeZone).fromMs, toMs: dayBounds(last, timeZone).toMs };
  const rows = await monthRows({ db }, tenant, first, last);
  // After the versions: a day that is counted at this moment was empty when these were read.
  const emptiness = knownEmptiness(await emptyFacts({ db }, tenant, range));
  const foreign = rows.find(({ version }) => version.currency !== advertiser.currency);
  if (foreign !== undefined) {
    const { billingDay, currency } = foreign.version;
    throw new RangeError(`${billingDay} was counted in ${currency}, not ${advertiser.currency}`);
  }

  const rowsOf = Map.groupBy(rows, ({ version }) => version.billingDay);
  const finalMs = closesAtMs(range.toMs, settlingHours);
  const days = daysBetween(first, last)
    .map((day) => ({ day, bounds: dayBounds(day, timeZone) }))
    .filter(({ bounds }) => bounds.fromMs < Math.min(bounds.toMs, nowMs))
    .map(({ day, bounds }) => {
      const closesMs = closesAtMs(bounds.toMs, settlingHours);
      return toBilledDay(day, rowsOf.get(day) ?? [], nowMs, {
        dayEndMs: bounds.toMs,
        settlingHours,
        emptiness: emptiness.of(advertiserId, day, bounds, closesMs),
      });
    });
  return {
    advertiser,
    month,
    currency: advertiser.currency,
    finality: leastFinal(days.map((day) => day.finality)),
    finalAt: new Date(finalMs),
    finalOn: dayOf(finalMs, timeZone),
    days,
    campaigns: byCampaign(days.flatMap((day) => day.lines)),
    totals: addUp(days.map((day) => day.totals)),
    decisionRate: rows.length === 0 ? null : 1,
  };
}

/** One statement, so one snapshot: no line is of another version than its day says (I6). */
function monthRows({ db }: Pick<Stores, "db">, tenant: TenantScope, first: IsoDay, last: IsoDay) {
  return db
    .select({ version: truthVersions, line: truthLines, campaignName: campaigns.name })
    .from(truthCurrent)
    .innerJoin(truthVersions, isCurrentVersion())
    .leftJoin(
      truthLines,
      and(
        eq(truthLines.advertiserId, truthCurrent.advertiserId),
        eq(truthLines.billingDay, truthCurrent.billingDay),
        eq(truthLines.version, truthCurrent.version),
      ),
    )
    .leftJoin(campaigns, eq(campaigns.id, truthLines.campaignId))
    .where(
      and(
        tenantWhere(tenant, truthCurrent.advertiserId),
        between(truthCurrent.billingDay, first, last),
      ),
    )
    .orderBy(asc(truthCurrent.billingDay), asc(truthLines.campaignId));
}

type MonthRow = Awaited<ReturnType<typeof monthRows>>[number];

function toBilledDay(
  day: IsoDay,
  rows: readonly MonthRow[],
  nowMs: number,
  facts: Pick<DayFinalityFacts, "dayEndMs" | "settlingHours" | "emptiness">,
): BilledDay {
  const version = rows[0]?.version ?? null;
  const lines = rows.flatMap(({ line, campaignName }) =>
    line === null ? [] : [toBilledLine(line, campaignName)],
  );
  const current = version && {
    version: version.version,
    publishedAtMs: version.publishedAt.getTime(),
  };
  return {
    day,
    isEmpty: version === null && facts.emptiness !== "unknown",
    version: version?.version ?? null,
    jobId: version === null ? null : Number(version.jobId),
    publishedAt: version?.publishedAt ?? null,
    finalAt: new Date(closesAtMs(facts.dayEndMs, facts.settlingHours)),
    finality: finalityOf({ ...facts, nowMs, current }),
    totals: addUp(lines),
    lines,
  };
}

function toBilledLine(
  line: typeof truthLines.$inferSelect,
  campaignName: string | null,
): BilledLine {
  const {
    advertiserId: _advertiserId,
    billingDay: _billingDay,
    version: _version,
    ...counts
  } = line;
  return { ...counts, campaignName };
}

function byCampaign(lines: readonly BilledLine[]): BilledCampaign[] {
  return [...Map.groupBy(lines, (line) => line.campaignId)]
    .map(([campaignId, ofCampaign]) => ({
      campaignId,
      campaignName: ofCampaign[0]?.campaignName ?? null,
      ...addUp(ofCampaign),
    }))
    .sort((a, b) => Number(b.costMicros - a.costMicros) || Number(b.clicks - a.clicks));
}

function addUp(parts: readonly BilledCounts[]): BilledCounts {
  const sum = (measure: keyof BilledCounts) =>
    parts.reduce((total, part) => total + part[measure], 0n);
  return {
    clicks: sum("clicks"),
    grossClicks: sum("grossClicks"),
    netClicks: sum("netClicks"),
    duplicateClicks: sum("duplicateClicks"),
    impressions: sum("impressions"),
    conversions: sum("conversions"),
    costMicros: sum("costMicros"),
    attributedConversions: sum("attributedConversions"),
    attributedValueMicros: sum("attributedValueMicros"),
  };
}
