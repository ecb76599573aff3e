/**
 * The inbound envelope, schema version 1: what a sender may say about an event. Tolerant where
 * nothing is lost by it: unknown fields are kept in `ext`, a newer version with the required fields
 * is accepted, null and the empty string mean absent (ad-server templates leave them behind).
 *
 * Hand-written, since every event passes here; a property test holds it equal to the schema in
 * `envelopeSchema.ts`.
 */
import { ENTITY_ID_LENGTH_MAX, EVENT_ID_PATTERN } from "../ids/ids.ts";
import { DAY_MS, MINUTE_MS } from "../time/time.ts";
import { isCountry } from "./countries.ts";
import { parseEventTime } from "./eventTime.ts";
import { findUnstorable } from "./jsonValue.ts";
import { type RejectCode, type Rejection, reject } from "./rejection.ts";
import { DEVICES, type Device, EVENT_TYPES, type EventType, GEO_UNKNOWN } from "./stored.ts";

/** Most bytes of one event as received, without white space around it. */
export const EVENT_BYTES_MAX = 8_192;
/** An older event is quarantined: no report that it could change is still kept hot. */
export const EVENT_AGE_MAX_MS = 35 * DAY_MS;
/** Clocks differ; further ahead than this an event time is wrong, not early. */
export const EVENT_AHEAD_MAX_MS = 5 * MINUTE_MS;
/** Longest linkage and user ids, in UTF-16 code units. */
export const LINK_ID_LENGTH_MAX = 128;
export const USER_AGENT_LENGTH_MAX = 1_024;
/** The longest text form of an IPv6 address is 45 long; a zone may follow it. */
export const IP_LENGTH_MAX = 64;
export const TOKEN_LENGTH_MAX = 4_096;

/** A valid event as its sender told it. Field names are those of the stored event. */
export interface Envelope {
  readonly schema_version: number;
  readonly event_type: EventType;
  readonly event_id: string;
  /** The sender gave no `event_id`; it was derived from `click_id`, source and event time. */
  readonly id_derived: boolean;
  /** Event time, epoch milliseconds. */
  readonly event_time: number;
  readonly campaign_id: string | undefined;
  readonly ad_id: string | undefined;
  readonly publisher_id: string | undefined;
  readonly user_id: string | undefined;
  /** Upper case; undefined when absent, `ZZ` or no country (then its word is in `ext`). */
  readonly geo: string | undefined;
  readonly device: Device | undefined;
  /** Believed only from sources that speak for their users. */
  readonly ip: string | undefined;
  readonly user_agent: string | undefined;
  readonly token: string | undefined;
  readonly impression_id: string | undefined;
  readonly click_id: string | undefined;
  /** Micros of the advertiser's currency; negative takes back an earlier conversion. */
  readonly conversion_value_micros: number | undefined;
  readonly test: boolean | undefined;
  readonly ext: Readonly<Record<string, unknown>> | undefined;
}

export interface EnvelopeContext {
  /** When the edge took the event, epoch milliseconds. */
  readonly ingestTimeMs: number;
  readonly sourceId: string;
  /** SHA-256 of a text's UTF-8 in lower-case hex. Handed in: this package runs in browsers too. */
  readonly sha256Hex: (text: string) => string;
}

export type EnvelopeResult = { readonly ok: true; readonly event: Envelope } | Rejection;

type Fields = Readonly<Record<string, unknown>>;

/** Fields with a meaning; all others go to `ext`. `click_time` is an alias of `event_time`. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  ...["schema_version", "event_type", "event_id", "event_time", "campaign_id", "ad_id"],
  ...["publisher_id", "user_id", "geo", "device", "ip", "user_agent", "token", "impression_id"],
  ...["click_id", "conversion_value_micros", "test", "ext"],
]);

const EVENT_TYPE_BY_WORD = new Map<unknown, EventType>(EVENT_TYPES.map((type) => [type, type]));
const DEVICE_BY_WORD = new Map<string, Device>(DEVICES.map((device) => [device, device]));

/**
 * Checks one event. Never throws; the first problem found is the one reported.
 *
 * @param value The event as `JSON.parse` gave it.
 */
export function parseEnvelope(value: unknown, context: EnvelopeContext): EnvelopeResult {
  if (!isFields(value)) return reject("not_an_object");
  const unstorable = findUnstorable(value);
  if (unstorable !== null) return unstorable;

  const reader = new FieldReader(value);
  const type = reader.eventType();
  const eventTimeMs = reader.eventTimeMs(context.ingestTimeMs);
  const clickId = reader.text("click_id", LINK_ID_LENGTH_MAX);
  const givenId = reader.eventId();
  const isClick = type === "click";
  const event: Envelope = {
    schema_version: reader.schemaVersion(),
    event_type: type,
    event_id: givenId ?? deriveEventId(clickId, eventTimeMs, context),
    id_derived: givenId === undefined,
    event_time: eventTimeMs,
    campaign_id: reader.entityId("campaign_id", isClick),
    ad_id: reader.entityId("ad_id", isClick),
    publisher_id: reader.entityId("publisher_id", isClick),
    user_id: reader.text("user_id", LINK_ID_LENGTH_MAX),
    geo: toGeo(value["geo"]),
    device: toDevice(value["device"]),
    ip: reader.text("ip", IP_LENGTH_MAX),
    user_agent: reader.text("user_agent", USER_AGENT_LENGTH_MAX),
    token: reader.text("token", TOKEN_LENGTH_MAX),
    impression_id: reader.text("impression_id", LINK_ID_LENGTH_MAX),
    click_id: clickId,
    conversion_value_micros: reader.micros("conversion_value_micros"),
    test: reader.flag("test"),
    ext: collectExt(value),
  };
  return reader.problem ?? { ok: true, event };
}

/**
 * The id of an event whose sender gave none: the same for every retry that repeats click id and
 * event time. JSON keeps the three parts apart whatever they hold.
 */
function deriveEventId(
  clickId: string | undefined,
  eventTimeMs: number,
  { sourceId, sha256Hex }: EnvelopeContext,
): string {
  // Without a click id the reader has already noted the missing `event_id`; the value is not used.
  return clickId === undefined ? "" : sha256Hex(JSON.stringify([clickId, sourceId, eventTimeMs]));
}

/** Reads fields one by one and remembers the first problem, so that a caller checks once. */
class FieldReader {
  readonly #fields: Fields;
  problem: Rejection | null = null;

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  eventType(): EventType {
    const word = this.#fields["event_type"];
    const type = EVENT_TYPE_BY_WORD.get(word);
    if (type !== undefined) return type;
    this.#note(
      isAbsent(word) ? "missing_field" : "invalid_field",
      `event_type must be one of ${EVENT_TYPES.join(", ")}.`,
    );
    return "click";
  }

  schemaVersion(): number {
    const version = this.#fields["schema_version"];
    if (isAbsent(version)) return 1;
    if (typeof version === "number" && Number.isSafeInteger(version) && version >= 1) {
      return version;
    }
    this.#note("invalid_field", "schema_version must be a whole number from 1.");
    return 1;
  }

  eventTimeMs(ingestTimeMs: number): number {
    const given = this.#fields["event_time"];
    const value = isAbsent(given) ? this.#fields["click_time"] : given;
    if (isAbsent(value)) {
      this.#note("missing_field", "event_time is required.");
      return ingestTimeMs;
    }
    const timeMs = parseEventTime(value);
    if (timeMs === null) {
      const forms = "ISO 8601 with a zone, or whole epoch milliseconds";
      this.#note("invalid_field", `event_time must be ${forms}.`);
      return ingestTimeMs;
    }
    if (timeMs < ingestTimeMs - EVENT_AGE_MAX_MS) {
      this.#note("too_old", "event_time is more than 35 days old (epoch times: milliseconds).");
    }
    if (timeMs > ingestTimeMs + EVENT_AHEAD_MAX_MS) {
      this.#note("in_future", "event_time is more than 5 minutes ahead.");
    }
    return timeMs;
  }

  eventId(): string | undefined {
    const id = this.#fields["event_id"];
    if (isAbsent(id)) {
      if (isAbsent(this.#fields["click_id"])) {
        this.#note("missing_field", "event_id is required where there is no click_id.");
      }
      return undefined;
    }
    if (typeof id === "string" && EVENT_ID_PATTERN.test(id)) return id;
    this.#note("invalid_field", "event_id must be 8 to 64 of A-Z a-z 0-9 _ . : -");
    return undefined;
  }

  entityId(name: string, required: boolean): string | undefined {
    const id = this.text(name, ENTITY_ID_LENGTH_MAX);
    if (id === undefined && required) this.#note("missing_field", `A click needs ${name}.`);
    return id;
  }

  text(name: string, lengthMax: number): string | undefined {
    const text = this.#fields[name];
    if (isAbsent(text)) return undefined;
    if (typeof text === "string" && text.length <= lengthMax) return text;
    this.#note("invalid_field", `${name} must be a string of at most ${lengthMax} characters.`);
    return undefined;
  }

  micros(name: string): number | undefined {
    const amount = this.#fields[name];
    if (isAbsent(amount)) return undefined;
    if (typeof amount === "number" && Number.isSafeInteger(amount)) return amount;
    this.#note("invalid_field", `${name} must be a whole number below 2^53.`);
    return undefined;
  }

  flag(name: string): boolean | undefined {
    const flag = this.#fields[name];
    if (isAbsent(flag)) return undefined;
    if (typeof flag === "boolean") return flag;
    // Never guessed: "false" taken for true loses money, the other way round it is billed.
    this.#note("invalid_field", `${name} must be true or false.`);
    return undefined;
  }

  #note(code: RejectCode, message: string): void {
    this.problem ??= reject(code, message);
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

function toGeo(value: unknown): string | undefined {
  // Two letters of ASCII first: `toUpperCase` would make South Sudan of an "ß".
  if (typeof value !== "string" || !/^[A-Za-z]{2}$/.test(value)) return undefined;
  const code = value.toUpperCase();
  return isCountry(code) ? code : undefined;
}

function toDevice(value: unknown): Device | undefined {
  if (isAbsent(value)) return undefined;
  return (typeof value === "string" && DEVICE_BY_WORD.get(value.toLowerCase())) || "other";
}

/** Words of ours that say nothing more than the field already does, and so are not kept. */
function isUnderstood(name: string, value: unknown): boolean {
  if (isAbsent(value)) return true;
  if (typeof value !== "string") return false;
  if (name === "geo") return value.toUpperCase() === GEO_UNKNOWN || toGeo(value) !== undefined;
  return DEVICE_BY_WORD.has(value.toLowerCase());
}

/**
 * Everything without a meaning here, kept for those who know one. A sender's own `ext` is merged;
 * where a name would be taken twice, or it is no object, it stays whole under `ext.ext`.
 */
function collectExt(fields: Fields): Fields | undefined {
  const kept: [string, unknown][] = [];
  for (const [name, value] of Object.entries(fields)) {
    const isKept =
      name === "geo" || name === "device"
        ? !isUnderstood(name, value)
        : !KNOWN_FIELDS.has(name) && !(name === "click_time" && isAbsent(fields["event_time"]));
    if (isKept) kept.push([name, value]);
  }
  const own = fields["ext"];
  if (isFields(own) && !kept.some(([name]) => Object.hasOwn(own, name))) {
    kept.push(...Object.entries(own));
  } else if (!isAbsent(own)) {
    kept.push(["ext", own]);
  }
  // `fromEntries` defines each name, so that a sent `__proto__` is a plain field like any other.
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
