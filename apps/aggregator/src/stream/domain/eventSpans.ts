import { DEVICES, EVENT_TYPES, type EventType } from "@trueclick/shared/event/stored";
import { type FlagSet, flagSetOf } from "./flagSets.ts";
import { FIELD_COUNT, type FieldName, fieldAt } from "./storedFields.ts";
import type { StreamEvent } from "./streamEvent.ts";

const EVENT_ID = fieldAt("event_id");
const CAMPAIGN_ID = fieldAt("campaign_id");
const AD_ID = fieldAt("ad_id");
const PUBLISHER_ID = fieldAt("publisher_id");
const USER_ID = fieldAt("user_id");
const GEO = fieldAt("geo");
const DEVICE = fieldAt("device");

/** Four ids of 64 characters, one of 128, and the rest, at three bytes a UTF-16 unit. */
const SCRATCH_BYTES = 2_048;
const NO_BYTES = new Uint8Array(0);
const NO_FLAGS = flagSetOf([]);

const utf8 = new TextDecoder();
const encoder = new TextEncoder();

/**
 * One event, as places in bytes: of the block that it was scanned from, or of a scratch that it was
 * copied to. Used again for every event, so that none costs an object.
 *
 * Two events with the same contents have the same bytes at their places, however their lines spell
 * them, since whatever is spelled with escapes comes by way of the scratch.
 */
export class EventSpans {
  bytes: Uint8Array = NO_BYTES;
  view: DataView = new DataView(NO_BYTES.buffer);
  /** By place in `FIELDS`. An absent field is empty; fields that nothing reads are not kept. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  eventTimeMs = 0;
  /** Place in `EVENT_TYPES`. */
  eventType = 0;
  test = false;
  flagSet: FlagSet = NO_FLAGS;
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);
  readonly #scratchView = new DataView(this.#scratch.buffer);

  /** @param words Where places are kept: those where fields begin, and then those where they end. */
  constructor(words = new Int32Array(2 * FIELD_COUNT)) {
    this.starts = words.subarray(0, FIELD_COUNT);
    this.ends = words.subarray(FIELD_COUNT, 2 * FIELD_COUNT);
  }

  /** Forgets the optional fields of the event before. */
  clearOptional(): void {
    const { starts, ends } = this;
    starts[CAMPAIGN_ID] = 0;
    ends[CAMPAIGN_ID] = 0;
    starts[AD_ID] = 0;
    ends[AD_ID] = 0;
    starts[PUBLISHER_ID] = 0;
    ends[PUBLISHER_ID] = 0;
    starts[USER_ID] = 0;
    ends[USER_ID] = 0;
    this.test = false;
  }

  /** Takes over an event that was parsed. */
  load(event: StreamEvent): void {
    this.bytes = this.#scratch;
    this.view = this.#scratchView;
    let end = this.#put(EVENT_ID, event.eventId, 0);
    end = this.#put(CAMPAIGN_ID, event.campaignId, end);
    end = this.#put(AD_ID, event.adId, end);
    end = this.#put(PUBLISHER_ID, event.publisherId, end);
    end = this.#put(USER_ID, event.userId, end);
    end = this.#put(GEO, event.geo, end);
    this.#put(DEVICE, event.device, end);
    this.eventTimeMs = event.eventTimeMs;
    this.eventType = EVENT_TYPES.indexOf(event.eventType);
    this.test = event.test;
    this.flagSet = flagSetOf(event.flags);
  }

  /** The contents of a field as text; for what is written, not for every event. */
  text(field: number): string {
    return utf8.decode(this.bytes.subarray(this.starts[field], this.ends[field]));
  }

  get eventTypeWord(): EventType {
    return EVENT_TYPES[this.eventType] ?? "click";
  }

  /** As the plain parser gives it, lone surrogates replaced. For comparisons. */
  toEvent(): StreamEvent {
    const text = (name: FieldName) => this.text(fieldAt(name));
    const device = DEVICES.find((word) => word === text("device"));
    return {
      eventId: text("event_id"),
      eventType: this.eventTypeWord,
      eventTimeMs: this.eventTimeMs,
      campaignId: text("campaign_id"),
      adId: text("ad_id"),
      publisherId: text("publisher_id"),
      userId: text("user_id"),
      geo: text("geo"),
      device: device ?? "other",
      test: this.test,
      flags: this.flagSet.flags,
    };
  }

  #put(field: number, text: string, start: number): number {
    const { written } = encoder.encodeInto(text, this.#scratch.subarray(start));
    this.starts[field] = start;
    this.ends[field] = start + written;
    return start + written;
  }
}
