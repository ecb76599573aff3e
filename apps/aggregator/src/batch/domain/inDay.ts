import type { InstantRange } from "@trueclick/shared/calendar";

/** A condition: the event lies in the day, or in any other range of event time. */
export function inDay({ fromMs, toMs }: InstantRange, timeMs = "event_time_ms"): string {
  return `${timeMs} >= ${fromMs} AND ${timeMs} < ${toMs}`;
}
