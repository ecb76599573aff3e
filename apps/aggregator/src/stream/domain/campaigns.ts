import type { AdvertiserId } from "@trueclick/shared/ids";
import { type Rate, rateAt } from "@trueclick/shared/pricing";

/** A rate and when we learned of it, epoch milliseconds. */
export interface KnownRate extends Rate {
  readonly createdAtMs: number;
}

export interface Campaign {
  readonly advertiserId: AdvertiserId;
  readonly createdAtMs: number;
  /** Sorted by `effectiveFromMs`, ascending. */
  readonly rates: readonly KnownRate[];
}

/**
 * Campaigns by id, read at one moment. May hold more than a record may know: what an event is
 * counted as depends on what existed at its append time, which is the same at every replay, and
 * never on when the stream happened to look.
 */
export type CampaignSnapshot = ReadonlyMap<string, Campaign>;

/** The campaign, if it existed when the record was appended. */
export function campaignKnownAt(
  campaigns: CampaignSnapshot,
  campaignId: string,
  appendTimeMs: number,
): Campaign | null {
  const campaign = campaigns.get(campaignId);
  return campaign !== undefined && campaign.createdAtMs <= appendTimeMs ? campaign : null;
}

/**
 * What a click costs: the rate in force at its event time, of those known at its append time. Zero
 * before the first rate. A rate that was entered later for the past shows in truth, and as drift.
 */
export function costMicrosAt(
  campaign: Campaign,
  eventTimeMs: number,
  appendTimeMs: number,
): bigint {
  const known = campaign.rates.every((rate) => rate.createdAtMs <= appendTimeMs)
    ? campaign.rates
    : campaign.rates.filter((rate) => rate.createdAtMs <= appendTimeMs);
  return rateAt(known, eventTimeMs)?.cpcMicros ?? 0n;
}
