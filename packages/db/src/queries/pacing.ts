import { addDays, dayBounds, dayOf, type InstantRange } from "@trueclick/shared/calendar";
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import { MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { and, asc, eq, isNotNull } from "drizzle-orm";
import { z } from "zod";
import { runTenantQuery } from "../clickhouse/tenantReader.ts";
import { isOneOf } from "../postgres/conditions.ts";
import { advertisers } from "../postgres/schema/advertisers.ts";
import { campaigns } from "../postgres/schema/campaigns.ts";
import { type HotParts, hotPartsOf } from "../routing/hotParts.ts";
import { ReportQueryError } from "../routing/route.ts";
import type { Stores } from "../stores.ts";
import { narrowScope, type TenantScope, tenantWhere } from "../tenant.ts";
import { LIST_ROWS_MAX } from "./advertisers.ts";
import { hotCellsParams, hotCellsSql } from "./hotCells.ts";
import { type Pacing, pacingOf } from "./pacingMath.ts";
import { streamState } from "./streamState.ts";

/** Days before today whose shape today is projected by. */
const PAST_DAYS = 7;

/** How one campaign's spend stands today, by the live estimate. */
export interface PacingRow extends Pacing {
  readonly campaignId: CampaignId;
  readonly campaignName: string;
  readonly advertiserId: AdvertiserId;
  readonly currency: string;
  /** Today in the account's zone. */
  readonly day: string;
  readonly timeZone: string;
  readonly budgetMicros: number;
  readonly spentMicros: number;
  /** Of today, 0 to 1. */
  readonly elapsedShare: number;
}

export interface PacingAnswer {
  /** By campaign id; campaigns without a daily budget, or that do not run today, have none. */
  readonly rows: readonly PacingRow[];
  /** No earlier event is expected by the stream any more, epoch milliseconds; null before any. */
  readonly watermarkMs: number | null;
  /** The stream had to leave detail out. */
  readonly degraded: boolean;
}

export interface PacingFilter {
  readonly campaignIds?: readonly string[] | undefined;
}

/**
 * Today's spend of every campaign with a daily budget against it, each in its account's zone.
 *
 * @throws {ReportQueryError} if there are more than `LIST_ROWS_MAX` such campaigns.
 */
export async function campaignPacing(
  stores: Stores,
  scope: TenantScope,
  filter: PacingFilter = {},
  nowMs: number = Date.now(),
): Promise<PacingAnswer> {
  const [budgets, stream] = await Promise.all([
    listBudgets(stores, scope, filter),
    streamState(stores),
  ]);
  if (budgets.length > LIST_ROWS_MAX) {
    throw new ReportQueryError("campaign_id", `more than ${LIST_ROWS_MAX} campaigns; name some`);
  }
  const byZone = [...Map.groupBy(budgets, ({ timeZone }) => timeZone)];
  const { rolledThroughMs } = stream;
  const rows = await Promise.all(
    byZone.map(async ([timeZone, own]) => {
      const today = todayIn(timeZone, nowMs);
      const running = own.filter((budget) => runsWithin(budget, today.bounds));
      const context = { scope, today, nowMs, rolledThroughMs };
      const spends = await spendOf(stores, context, running);
      return running.map((budget) => toRow(budget, today, spends.get(budget.campaignId), nowMs));
    }),
  );
  return {
    rows: rows.flat().sort((a, b) => (a.campaignId < b.campaignId ? -1 : 1)),
    watermarkMs: stream.watermarkMs,
    degraded: stream.level > 0,
  };
}

type Budget = Awaited<ReturnType<typeof listBudgets>>[number];

function listBudgets({ db }: Pick<Stores, "db">, scope: TenantScope, filter: PacingFilter) {
  return db
    .select({
      campaignId: campaigns.id,
      campaignName: campaigns.name,
      advertiserId: campaigns.advertiserId,
      currency: advertisers.currency,
      timeZone: advertisers.timeZone,
      budgetMicros: campaigns.dailyBudgetMicros,
      startsAt: campaigns.startsAt,
      endsAt: campaigns.endsAt,
    })
    .from(campaigns)
    .innerJoin(advertisers, eq(advertisers.id, campaigns.advertiserId))
    .where(
      and(
        tenantWhere(scope, campaigns.advertiserId),
        isNotNull(campaigns.dailyBudgetMicros),
        filter.campaignIds === undefined ? undefined : isOneOf(campaigns.id, filter.campaignIds),
      ),
    )
    .orderBy(asc(campaigns.id))
    .limit(LIST_ROWS_MAX + 1);
}

interface Today {
  readonly day: string;
  readonly bounds: InstantRange;
  /** Starts of the days before it and its own, ascending, epoch milliseconds. */
  readonly dayStartsMs: readonly number[];
}

function todayIn(timeZone: string, nowMs: number): Today {
  const day = dayOf(nowMs, timeZone);
  const dayStartsMs = Array.from({ length: PAST_DAYS + 1 }, (_none, at) => {
    return dayBounds(addDays(day, at - PAST_DAYS), timeZone).fromMs;
  });
  return { day, bounds: dayBounds(day, timeZone), dayStartsMs };
}

function runsWithin({ startsAt, endsAt }: Budget, { fromMs, toMs }: InstantRange): boolean {
  return (
    (startsAt === null || startsAt.getTime() < toMs) &&
    (endsAt === null || endsAt.getTime() > fromMs)
  );
}

const spendSchema = z.object({
  campaign: z.string(),
  spent: z.coerce.number().int(),
  past: z.coerce.number().int(),
  past_by_now: z.coerce.number(),
  past_days: z.coerce.number().int(),
});
type Spend = z.infer<typeof spendSchema>;

/** A cell that the time of day cuts counts by the part that lies before it. */
const sqlOf = (parts: HotParts) => `
  SELECT
    campaign_id AS campaign,
    sumIf(cost_micros, is_today) AS spent,
    sumIf(cost_micros, NOT is_today) AS past,
    sumIf(cost_micros * least(1, greatest(0, (day_start + {elapsed: Int64} - t) / seconds)),
      NOT is_today) AS past_by_now,
    uniqExactIf(day_start, NOT is_today AND cost_micros > 0) AS past_days
  FROM (
    SELECT *, t >= {today: Int64} AS is_today,
      arrayLast(start -> start <= t, {day_starts: Array(Int64)}) AS day_start
    FROM ${hotCellsSql(parts, "campaign_id IN ({campaigns: Array(String)})")}
  )
  GROUP BY campaign
`;

async function spendOf(
  { clickhouse }: Pick<Stores, "clickhouse">,
  context: {
    readonly scope: TenantScope;
    readonly today: Today;
    readonly nowMs: number;
    readonly rolledThroughMs: number | null;
  },
  budgets: readonly Budget[],
): Promise<Map<string, Spend>> {
  const { today, nowMs, rolledThroughMs } = context;
  if (budgets.length === 0) return new Map();
  const fromMs = today.dayStartsMs[0] ?? today.bounds.fromMs;
  // What the clocks of the senders have ahead of ours is today's, too.
  const toMs = Math.min(
    today.bounds.toMs,
    Math.ceil(nowMs / MINUTE_MS + AHEAD_MINUTES) * MINUTE_MS,
  );
  const parts = hotPartsOf({ fromMs, toMs, nowMs, granularity: "total", rolledThroughMs });
  const tenant = narrowScope(context.scope, [...new Set(budgets.map((b) => b.advertiserId))]);
  const rows = await runTenantQuery(clickhouse, tenant, {
    name: "campaignPacing",
    sql: sqlOf(parts),
    row: spendSchema,
    params: {
      ...hotCellsParams(parts),
      cube: "ad",
      campaigns: budgets.map(({ campaignId }) => campaignId),
      today: today.bounds.fromMs / SECOND_MS,
      day_starts: today.dayStartsMs.map((ms) => ms / SECOND_MS),
      elapsed: Math.floor((nowMs - today.bounds.fromMs) / SECOND_MS),
    },
  });
  return new Map(rows.map((row) => [row.campaign, row]));
}

/** The edge takes event times up to five minutes ahead. */
const AHEAD_MINUTES = 5;

function toRow(
  { startsAt: _starts, endsAt: _ends, budgetMicros, ...budget }: Budget,
  { day, bounds }: Today,
  spend: Spend | undefined,
  nowMs: number,
): PacingRow {
  const elapsedMs = nowMs - bounds.fromMs;
  const facts = {
    budgetMicros: Number(budgetMicros ?? 0n),
    spentMicros: spend?.spent ?? 0,
    elapsedMs,
    elapsedShare: elapsedMs / (bounds.toMs - bounds.fromMs),
  };
  const past = {
    pastDays: spend?.past_days ?? 0,
    pastMicros: spend?.past ?? 0,
    pastByNowMicros: spend?.past_by_now ?? 0,
  };
  const { budgetMicros: micros, spentMicros, elapsedShare } = facts;
  const paced = pacingOf({ ...facts, ...past });
  return { ...budget, day, budgetMicros: micros, spentMicros, elapsedShare, ...paced };
}
