/**
 * The stored event: what the edge appends to the log, one JSON object a line. Field names are those
 * of the envelope (`envelope.ts`), times are epoch milliseconds, absent optional fields are left out.
 *
 * The raw IP address is never part of it.
 */
import { z } from "zod";
import { ENTITY_ID_LENGTH_MAX, EVENT_ID_PATTERN } from "../ids/ids.ts";

export const EVENT_TYPES = ["click", "impression", "conversion"] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export const DEVICES = ["desktop", "mobile", "tablet", "tv", "other"] as const;
export type Device = (typeof DEVICES)[number];

/** What the edge noticed. Flags never remove an event; verdicts read them. */
export const EVENT_FLAGS = [
  "token_ok",
  "token_absent",
  "token_bad",
  "token_expired",
  "bot_user_agent",
  "datacenter_ip",
  "prefetch",
  "sampled",
  "id_derived",
] as const;
export type EventFlag = (typeof EVENT_FLAGS)[number];

/** Of a country nobody told us and no database was configured to find. */
export const GEO_UNKNOWN = "ZZ";

const optionalId = z.string().max(ENTITY_ID_LENGTH_MAX).optional();

/**
 * The contract between edge and readers. Hot readers use a hand-written parser; a property test
 * holds it equal to this schema.
 */
export const storedEventSchema = z.object({
  schema_version: z.int().min(1),
  event_type: z.enum(EVENT_TYPES),
  event_id: z.string().regex(EVENT_ID_PATTERN),
  /** Event time, epoch milliseconds. */
  event_time: z.int(),
  /** Ingest time: when the edge took it, epoch milliseconds. */
  ingest_time: z.int(),
  campaign_id: optionalId,
  ad_id: optionalId,
  publisher_id: optionalId,
  user_id: z.string().max(128).optional(),
  /** ISO 3166-1 alpha-2, upper case, or `ZZ`. */
  geo: z.string().length(2),
  device: z.enum(DEVICES),
  user_agent: z.string().optional(),
  /**
   * Keyed hash of the IP address, `key id.hash` in hex: hashes of two keys are never equal. The
   * network (/24 or /48) in clear.
   */
  ip_hash: z.string().optional(),
  ip_net: z.string().optional(),
  impression_id: z.string().max(128).optional(),
  click_id: z.string().max(128).optional(),
  conversion_value_micros: z.int().optional(),
  token: z.string().optional(),
  test: z.boolean().optional(),
  region: z.string(),
  source_id: z.string().min(1).max(ENTITY_ID_LENGTH_MAX),
  flags: z.array(z.enum(EVENT_FLAGS)),
  ext: z.record(z.string(), z.unknown()).optional(),
});

export type StoredEvent = z.infer<typeof storedEventSchema>;
