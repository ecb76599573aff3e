import {
  DEVICES,
  type Device,
  EVENT_FLAGS,
  EVENT_TYPES,
  type EventFlag,
  type EventType,
} from "@trueclick/shared/event/stored";
import { ENTITY_ID_LENGTH_MAX, EVENT_ID_PATTERN } from "@trueclick/shared/ids";

/** What the stream needs of a stored event. An absent optional id is the empty string. */
export interface StreamEvent {
  readonly eventId: string;
  readonly eventType: EventType;
  readonly eventTimeMs: number;
  readonly campaignId: string;
  readonly adId: string;
  readonly publisherId: string;
  readonly userId: string;
  readonly geo: string;
  readonly device: Device;
  readonly test: boolean;
  readonly flags: readonly EventFlag[];
}

type Json = Readonly<Record<string, unknown>>;

const LINKAGE_LENGTH_MAX = 128;
const utf8 = new TextDecoder("utf-8", { fatal: true });

const TYPES: ReadonlyMap<unknown, EventType> = new Map(EVENT_TYPES.map((word) => [word, word]));
const DEVICE_WORDS: ReadonlyMap<unknown, Device> = new Map(DEVICES.map((word) => [word, word]));
const FLAGS: ReadonlyMap<unknown, EventFlag> = new Map(EVENT_FLAGS.map((word) => [word, word]));

/**
 * Reads one line of a block. Null when it is no stored event: not UTF-8, not JSON, or against
 * `storedEventSchema`. Written by hand because every event passes here; a property test holds it
 * equal to the schema.
 */
export function parseStreamEvent(line: Uint8Array): StreamEvent | null {
  const json = parseObject(line);
  return json !== null && isEnvelopeSound(json) ? toStreamEvent(json) : null;
}

function parseObject(line: Uint8Array): Json | null {
  try {
    const value: unknown = JSON.parse(utf8.decode(line));
    return isObject(value) ? value : null;
  } catch {
    // Whatever the line is, it is an outcome (`unparseable`), never a fault of the stream.
    return null;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The fields that the stream does not use but that the contract with the edge demands. */
function isEnvelopeSound(json: Json): boolean {
  const { schema_version: version, source_id: source, ext, conversion_value_micros: value } = json;
  return (
    isInteger(version) &&
    version >= 1 &&
    isInteger(json["ingest_time"]) &&
    typeof json["region"] === "string" &&
    isText(source, ENTITY_ID_LENGTH_MAX) &&
    source !== "" &&
    (value === undefined || isInteger(value)) &&
    (ext === undefined || isObject(ext)) &&
    isOptionalText(json["user_agent"]) &&
    isOptionalText(json["ip_hash"]) &&
    isOptionalText(json["ip_net"]) &&
    isOptionalText(json["token"]) &&
    isOptionalText(json["impression_id"], LINKAGE_LENGTH_MAX) &&
    isOptionalText(json["click_id"], LINKAGE_LENGTH_MAX)
  );
}

function toStreamEvent(json: Json): StreamEvent | null {
  const { event_id: eventId, event_time: eventTimeMs, geo, test } = json;
  const eventType = TYPES.get(json["event_type"]);
  const device = DEVICE_WORDS.get(json["device"]);
  const flags = parseFlags(json["flags"]);
  const ids = parseIds(json);
  if (typeof eventId !== "string" || !EVENT_ID_PATTERN.test(eventId)) return null;
  if (eventType === undefined || device === undefined || flags === null || ids === null)
    return null;
  if (!isInteger(eventTimeMs) || !isText(geo, 2) || geo.length !== 2) return null;
  if (test !== undefined && typeof test !== "boolean") return null;
  return { eventId, eventType, eventTimeMs, ...ids, geo, device, test: test ?? false, flags };
}

function parseIds(json: Json) {
  const { campaign_id: campaignId = "", ad_id: adId = "", publisher_id: publisherId = "" } = json;
  const { user_id: userId = "" } = json;
  if (!isText(campaignId, ENTITY_ID_LENGTH_MAX) || !isText(adId, ENTITY_ID_LENGTH_MAX)) return null;
  if (!isText(publisherId, ENTITY_ID_LENGTH_MAX)) return null;
  if (!isText(userId, LINKAGE_LENGTH_MAX)) return null;
  return { campaignId, adId, publisherId, userId };
}

function parseFlags(value: unknown): EventFlag[] | null {
  if (!Array.isArray(value)) return null;
  const flags: EventFlag[] = [];
  for (const word of value) {
    const flag = FLAGS.get(word);
    if (flag === undefined) return null;
    flags.push(flag);
  }
  return flags;
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === "string" && value.length <= lengthMax;
}

function isOptionalText(value: unknown, lengthMax = Number.POSITIVE_INFINITY): boolean {
  return value === undefined || isText(value, lengthMax);
}
