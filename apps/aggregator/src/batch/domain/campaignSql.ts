import type { InstantRange } from "@trueclick/shared/calendar";
import type { PinnedCampaign } from "./inputs.ts";
import { pinnedRows } from "./pinnedRows.ts";

/** Beyond every instant of an event, and whole in a float. */
const EVER_MS = 9_000_000_000_000_000;

/** SQL of the campaigns' ids, and the ranges of event time in which each does not run, as rows. */
export function campaignRows(campaigns: readonly PinnedCampaign[]): string {
  const rows = campaigns.map((campaign) => ({
    campaign_id: campaign.id,
    inactive: inactiveRanges(campaign),
  }));
  return pinnedRows("campaign_id String, inactive Array(Tuple(Int64, Int64))", rows);
}

/** When a campaign does not run: before and after its planned time, and in its pauses. */
export function inactiveRanges({ startsMs, endsMs, statuses }: PinnedCampaign): [number, number][] {
  const pauses = statuses.flatMap(({ effectiveFromMs, active }, at): [number, number][] => {
    const untilMs = statuses[at + 1]?.effectiveFromMs ?? EVER_MS;
    return active ? [] : [[effectiveFromMs, untilMs]];
  });
  return [
    ...(startsMs === null ? [] : [[-EVER_MS, startsMs] satisfies [number, number]]),
    ...pauses,
    ...(endsMs === null ? [] : [[endsMs, EVER_MS] satisfies [number, number]]),
  ];
}

/** The ranges of event time in which clicks of a campaign need an impression, clipped to one. */
export function neededRanges(
  { requirements }: Pick<PinnedCampaign, "requirements">,
  { fromMs, toMs }: InstantRange,
): InstantRange[] {
  return requirements
    .map(({ effectiveFromMs, required }, at) => ({
      required,
      fromMs: Math.max(effectiveFromMs, fromMs),
      toMs: Math.min(requirements[at + 1]?.effectiveFromMs ?? toMs, toMs),
    }))
    .filter((range) => range.required && range.fromMs < range.toMs)
    .map((range) => ({ fromMs: range.fromMs, toMs: range.toMs }));
}

/** SQL of the rates of campaigns, as rows. */
export function rateRows(campaigns: readonly PinnedCampaign[]): string {
  const rows = campaigns.flatMap(({ id, rates }) =>
    rates.map(({ effectiveFromMs, cpcMicros }) => ({
      campaign_id: id,
      effective_from_ms: effectiveFromMs,
      cpc_micros: cpcMicros.toString(),
    })),
  );
  return pinnedRows("campaign_id String, effective_from_ms Int64, cpc_micros Int64", rows);
}
