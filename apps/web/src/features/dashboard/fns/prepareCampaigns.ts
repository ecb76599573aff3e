import type { Granularity } from "../../../report/fns/buckets.ts";
import { bucketsOf } from "../../../report/fns/buckets.ts";
import { type CoverageMeta, coverageOf } from "../../../report/fns/coverageOf.ts";
import { type Counts, change, cpcMicros, invalidRate } from "../../../report/fns/measures.ts";

export interface CampaignRow {
  readonly id: string;
  readonly name: string;
  readonly clicks: number;
  /** Against the period before, as a ratio; null when not compared or from nothing. */
  readonly change: number | null;
  readonly costMicros: number;
  readonly cpcMicros: number | null;
  readonly invalidRate: number | null;
  /** Clicks by bucket, oldest first; null where nothing is counted yet. Empty while loading. */
  readonly trend: readonly (number | null)[];
  /** How many of the last values of `trend` may still grow. */
  readonly trendProvisional: number;
}

export interface CampaignCounts extends Counts {
  readonly campaign?: string | undefined;
  readonly campaign_name?: string | null | undefined;
  readonly time?: string | undefined;
}

interface TrendReport {
  readonly rows: readonly CampaignCounts[];
  readonly meta: CoverageMeta;
}

interface Frame {
  readonly fromMs: number;
  readonly toMs: number;
  readonly account: { readonly timeZone: string; readonly settlingHours: number };
}

/** Joins totals, trend and the period before into one row a campaign. */
export function prepareCampaigns(
  totals: readonly CampaignCounts[],
  trend: TrendReport | null,
  previous: readonly CampaignCounts[] | null,
  frame: Frame,
  granularity: Granularity,
): CampaignRow[] {
  const before = new Map(previous?.map((row) => [row.campaign, row.clicks]));
  const trends = trend === null ? null : trendsByCampaign(trend, frame, granularity);
  return totals.flatMap((row) => {
    if (row.campaign === undefined) return [];
    return {
      id: row.campaign,
      name: row.campaign_name ?? row.campaign,
      clicks: row.clicks,
      change: previous === null ? null : change(row.clicks, before.get(row.campaign) ?? 0),
      costMicros: row.cost_micros,
      cpcMicros: cpcMicros(row),
      invalidRate: invalidRate(row),
      trend: trends?.of(row.campaign) ?? [],
      trendProvisional: trends?.provisional ?? 0,
    };
  });
}

function trendsByCampaign({ rows, meta }: TrendReport, frame: Frame, granularity: Granularity) {
  const asOfMs = Date.parse(meta.as_of);
  const { finalUntilMs, isCounted } = coverageOf(meta, frame.account);
  const buckets = bucketsOf(frame, granularity, frame.account.timeZone).filter(
    (bucket) => bucket.startMs < asOfMs,
  );
  const clicks = new Map<string | undefined, Map<number, number>>();
  for (const row of rows) {
    if (row.time === undefined) continue;
    const ofCampaign = clicks.get(row.campaign) ?? new Map<number, number>();
    ofCampaign.set(Date.parse(row.time), row.clicks);
    clicks.set(row.campaign, ofCampaign);
  }
  return {
    provisional: buckets.filter((bucket) => bucket.endMs > finalUntilMs).length,
    of: (campaign: string) =>
      buckets.map((bucket) =>
        isCounted(bucket) ? (clicks.get(campaign)?.get(bucket.startMs) ?? 0) : null,
      ),
  };
}
