import type { StoredEvent } from "@trueclick/shared/event/stored";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";

/**
 * Noon of a day in UTC around which tests let their events happen.
 */
export const NOON_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS - 10 * DAY_MS + 12 * HOUR_MS;

/** A good click as the edge stores it, with what a test cares about in place of the defaults. */
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
    user_id: "user_1",
    geo: "DE",
    device: "mobile",
    region: "test",
    source_id: "src_1",
    flags: ["token_absent"],
    ...fields,
  };
}
