import { type Counts, type CreditCounts, cpcMicros } from "../../../report/fns/measures.ts";

export interface CampaignFacts {
  readonly id: string;
  readonly name: string;
  readonly dailyBudgetMicros: bigint | null;
  readonly startsAt: Date | null;
  readonly endsAt: Date | null;
  readonly cpcMicros: bigint | null;
  /** How long before a conversion a click may lie that is credited with it, as of now. */
  readonly lookbackDays: number;
}

export type CampaignState = "running" | "planned" | "ended";

export interface ListedCampaign {
  readonly id: string;
  readonly name: string;
  readonly state: CampaignState;
  readonly clicks: number;
  readonly costMicros: number;
  /** What a click cost on average in the period; null without clicks. */
  readonly paidCpcMicros: number | null;
  /** What a click costs now; null before the first rate. */
  readonly rateMicros: bigint | null;
  readonly dailyBudgetMicros: bigint | null;
  /** Conversions that were credited to its clicks, and their value; null in the live estimate. */
  readonly conversions: number | null;
  readonly conversionValueMicros: number | null;
  readonly lookbackDays: number;
}

interface CampaignCounts extends Counts, CreditCounts {
  readonly campaign?: string | undefined;
}

/** All campaigns with what they did in a period; those without clicks did nothing, and are shown. */
export function prepareList(
  campaigns: readonly CampaignFacts[],
  counts: readonly CampaignCounts[],
  nowMs: number,
): ListedCampaign[] {
  const byId = new Map(counts.map((row) => [row.campaign, row]));
  return campaigns.map((campaign) => {
    const row = byId.get(campaign.id);
    return {
      id: campaign.id,
      name: campaign.name,
      state: stateOf(campaign, nowMs),
      clicks: row?.clicks ?? 0,
      costMicros: row?.cost_micros ?? 0,
      paidCpcMicros: row === undefined ? null : cpcMicros(row),
      rateMicros: campaign.cpcMicros,
      dailyBudgetMicros: campaign.dailyBudgetMicros,
      conversions: row === undefined ? null : row.attributed_conversions,
      conversionValueMicros: row === undefined ? null : row.attributed_value_micros,
      lookbackDays: campaign.lookbackDays,
    };
  });
}

/** A campaign runs from its start, inclusive, to its end, exclusive. */
function stateOf({ startsAt, endsAt }: CampaignFacts, nowMs: number): CampaignState {
  if (startsAt !== null && nowMs < startsAt.getTime()) return "planned";
  return endsAt !== null && nowMs >= endsAt.getTime() ? "ended" : "running";
}
