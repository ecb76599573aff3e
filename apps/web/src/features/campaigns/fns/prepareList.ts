import { type Counts, cpcMicros } from "../../../report/fns/measures.ts";

export interface CampaignFacts {
  readonly id: string;
  readonly name: string;
  readonly dailyBudgetMicros: bigint | null;
  readonly startsAt: Date | null;
  readonly endsAt: Date | null;
  readonly cpcMicros: bigint | null;
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
}

interface CampaignCounts extends Counts {
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
    };
  });
}

/** A campaign runs from its start, inclusive, to its end, exclusive. */
function stateOf({ startsAt, endsAt }: CampaignFacts, nowMs: number): CampaignState {
  if (startsAt !== null && nowMs < startsAt.getTime()) return "planned";
  return endsAt !== null && nowMs >= endsAt.getTime() ? "ended" : "running";
}
