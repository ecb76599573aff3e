/** What conversions must be credited with, worked out naively and without looking at the SQL. */
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { DAY_MS } from "@trueclick/shared/time";
import { type OracleWorld, oracleVerdicts } from "./oracle.ts";

/** `conversion click window value` of each valid conversion in a day, or the reason for the click; sorted. */
export function oracleConversions(
  world: OracleWorld,
  day: { fromMs: number; toMs: number },
  windowDaysOf: (conversion: StoredEvent) => number,
): string[] {
  const always = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY };
  const valid = oracleVerdicts(world, always)
    .filter(({ verdict }) => verdict === "valid")
    .map(({ event }) => event);
  const clicks = valid.filter(({ event_type }) => event_type === "click");
  const inDay = valid.filter(({ event_type, event_time }) => {
    return event_type === "conversion" && event_time >= day.fromMs && event_time < day.toMs;
  });
  return inDay
    .map((conversion) => {
      const windowDays = windowDaysOf(conversion);
      const credit = creditOf(conversion, clicks, windowDays * DAY_MS);
      const value = conversion.conversion_value_micros ?? 0;
      return `${conversion.event_id} ${credit} ${windowDays} ${value}`;
    })
    .sort();
}

function creditOf(conversion: StoredEvent, clicks: readonly StoredEvent[], windowMs: number) {
  const { click_id, user_id, campaign_id, event_time } = conversion;
  if (click_id === undefined && user_id === undefined) return "no_identity";
  const last = clicks
    .filter((click) => click.campaign_id === campaign_id && click.event_time <= event_time)
    .filter((click) =>
      click_id === undefined
        ? click.user_id === user_id
        : (click.click_id ?? click.event_id) === click_id,
    )
    .sort((a, b) => b.event_time - a.event_time || b.ingest_time - a.ingest_time)
    .at(0);
  if (last === undefined || event_time - last.event_time > windowMs) return "no_click";
  return last.event_id;
}
