import type { StoredEvent } from "@trueclick/shared/event/stored";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";

/**
 * Noon of a day in UTC around which tests let their events happen. Of this month, because the engine
 * forgets index rows of events that are long past by its own clock.
 */
export const NOON_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS - 10 * DAY_MS + 12 * HOUR_MS;

/**
 * A good click as the edge stores it, with what a test cares about in place of the defaults. Each is
 * of a person of its own: two of one on an ad within seconds would be a double click.
 */
export function storedEvent(fields: Partial<StoredEvent> & { event_id: string }): StoredEvent {
  const eventTimeMs = fields.event_time ?? NOON_MS;
  return {
    schema_version: 1,
    event_type: "click",
    event_time: eventTimeMs,
    ingest_time: eventTimeMs + 200,
    campaign_id: "cmp_1",
    ad_id: "ad_1",
    publisher_id: "pub_1",
    user_id: `user-of-${fields.event_id}`,
    geo: "DE",
    device: "mobile",
    region: "test",
    source_id: "src_1",
    flags: ["token_absent"],
    ...fields,
  };
}

/** A block: one line a value; a string is a line as it is. */
export function block(values: readonly (StoredEvent | string)[]): Buffer {
  const lines = values.map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  return Buffer.from(lines.join("\n"));
}
