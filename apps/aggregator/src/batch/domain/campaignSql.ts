import type { InstantRange } from "@trueclick/shared/calendar";
import { inDay } from "./inDay.ts";
import type { PinnedCampaign } from "./inputs.ts";
import { pinnedRows } from "./pinnedRows.ts";

/** Beyond every instant of an event, and whole in a float. */
const EVER_MS = 9_000_000_000_000_000;

/** SQL of the campaigns' ids, as rows. */
export function campaignRows(campaigns: readonly Pick<PinnedCampaign, "id">[]): string {
  const rows = campaigns.map(({ id }) => ({ campaign_id: id }));
  return pinnedRows("campaign_id String", rows);
}

/**
 * A condition over `campaign_id` and `event_time_ms`: the campaign does not run at that time.
 *
 * @param range All events that are looked at lie in it.
 */
export function inactiveSql(
  campaigns: readonly PinnedCampaign[],
  { fromMs, toMs }: InstantRange,
): string {
  const among = campaigns.flatMap((campaign) => {
    const ranges = inactiveRanges(campaign)
      .map(([from, to]) => ({ fromMs: Math.max(from, fromMs), toMs: Math.min(to, toMs) }))
      .filter((range) => range.fromMs < range.toMs);
    return ranges.length === 0 ? [] : [{ id: campaign.id, ranges }];
  });
  // Most that do not run at some time do not run at all of them.
  const groups = Map.groupBy(among, ({ ranges }) => JSON.stringify(ranges)).values();
  const conditions = [...groups].map((own) => {
    const times = (own[0]?.ranges ?? []).map((one) => `(${inDay(one)})`);
    return `(campaign_id IN (${campaignRows(own)}) AND (${times.join(" OR ")}))`;
  });
  return conditions.length === 0 ? "false" : `(${conditions.join(" OR ")})`;
}

/** When a campaign does not run: before and after its planned time, and in its pauses. */
function inactiveRanges({ startsMs, endsMs, statuses }: PinnedCampaign): [number, number][] {
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
