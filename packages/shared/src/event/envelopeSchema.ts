/**
 * The envelope as a schema: the measure of `parseEnvelope`, which a property test holds equal to
 * it, and the source of generated documentation. Too slow for where every event passes.
 */
import { z } from "zod";
import { ENTITY_ID_LENGTH_MAX, EVENT_ID_PATTERN } from "../ids/ids.ts";
import {
  EVENT_AGE_MAX_MS,
  EVENT_AHEAD_MAX_MS,
  IP_LENGTH_MAX,
  LINK_ID_LENGTH_MAX,
  TOKEN_LENGTH_MAX,
  USER_AGENT_LENGTH_MAX,
} from "./envelope.ts";
import { parseEventTime } from "./eventTime.ts";
import { findUnstorable } from "./jsonValue.ts";
import { EVENT_TYPES } from "./stored.ts";

/** Null and the empty string mean absent. */
const blank = z.literal([null, ""]).transform(() => undefined);
const optionally = <T extends z.ZodType>(inner: T) => z.union([blank, inner]).optional();
const text = (lengthMax: number) => optionally(z.string().max(lengthMax));
const entityId = text(ENTITY_ID_LENGTH_MAX);

const fields = z.looseObject({
  schema_version: optionally(z.int().min(1)),
  event_type: z.enum(EVENT_TYPES),
  event_id: optionally(z.string().regex(EVENT_ID_PATTERN)),
  event_time: optionally(z.union([z.string(), z.number()])),
  click_time: z.unknown().optional(),
  campaign_id: entityId,
  ad_id: entityId,
  publisher_id: entityId,
  user_id: text(LINK_ID_LENGTH_MAX),
  geo: z.unknown().optional(),
  device: z.unknown().optional(),
  ip: text(IP_LENGTH_MAX),
  user_agent: text(USER_AGENT_LENGTH_MAX),
  token: text(TOKEN_LENGTH_MAX),
  impression_id: text(LINK_ID_LENGTH_MAX),
  click_id: text(LINK_ID_LENGTH_MAX),
  conversion_value_micros: optionally(z.int()),
  test: optionally(z.boolean()),
  ext: z.unknown().optional(),
});

/** An event as it may be sent at `ingestTimeMs`, epoch milliseconds. */
export function envelopeSchema(ingestTimeMs: number) {
  return z
    .unknown()
    .refine((value) => findUnstorable(value) === null, "holds what cannot be stored")
    .pipe(fields)
    .refine((event) => {
      const timeMs = parseEventTime(event.event_time ?? event.click_time);
      return (
        timeMs !== null &&
        timeMs >= ingestTimeMs - EVENT_AGE_MAX_MS &&
        timeMs <= ingestTimeMs + EVENT_AHEAD_MAX_MS
      );
    }, "event_time must be within 35 days back and 5 minutes ahead")
    .refine((event) => event.event_id !== undefined || event.click_id !== undefined, {
      message: "event_id or click_id is required",
    })
    .refine(
      (event) =>
        event.event_type !== "click" ||
        [event.campaign_id, event.ad_id, event.publisher_id].every((id) => id !== undefined),
      "a click needs campaign_id, ad_id and publisher_id",
    );
}
