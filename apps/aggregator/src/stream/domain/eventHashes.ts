import type { EventSpans } from "./eventSpans.ts";
import { IdHash, mix, SpanHash } from "./spanHash.ts";
import { FIELD_COUNT, fieldAt } from "./storedFields.ts";

const EVENT_ID = fieldAt("event_id");
const CAMPAIGN_ID = fieldAt("campaign_id");
const AD_ID = fieldAt("ad_id");
const PUBLISHER_ID = fieldAt("publisher_id");
const USER_ID = fieldAt("user_id");
const GEO = fieldAt("geo");
const DEVICE = fieldAt("device");

const FACTORS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1, 0x5bd1e995] as const;

/** The hashes of one event's fields, used again for every event. */
export class EventHashes {
  readonly id: IdHash;
  /** By place in `FIELDS`; of the id there is none. */
  readonly fields = new Int32Array(FIELD_COUNT);
  readonly #spanHash: SpanHash;

  constructor(key: Int32Array) {
    this.id = new IdHash(key);
    this.#spanHash = new SpanHash(key);
  }

  take(spans: EventSpans): void {
    const { view, starts, ends } = spans;
    this.id.hash(view, starts[EVENT_ID] ?? 0, ends[EVENT_ID] ?? 0);
    this.#field(spans, CAMPAIGN_ID);
    this.#field(spans, AD_ID);
    this.#field(spans, PUBLISHER_ID);
    this.#field(spans, USER_ID);
    this.#field(spans, GEO);
    this.#field(spans, DEVICE);
  }

  /**
   * A hash of what the sender said, 31 bits and a 1: equal for a retry, different for another event
   * under the same id. What the edge stamps, or derives from a connection that a retry may not
   * share (geo, device, flags), is left out.
   *
   * It only tells `duplicate` from `id_conflict` among copies of one id, and neither is counted, so
   * that a collision moves no count.
   */
  payload(spans: EventSpans): number {
    const { eventType, eventTimeMs } = spans;
    const { fields } = this;
    const sum =
      Math.imul(eventTimeMs | 0, FACTORS[0]) +
      Math.imul(Math.floor(eventTimeMs / 2 ** 32), FACTORS[1]) +
      Math.imul(fields[CAMPAIGN_ID] ?? 0, FACTORS[2]) +
      Math.imul(fields[AD_ID] ?? 0, FACTORS[3]) +
      Math.imul(fields[PUBLISHER_ID] ?? 0, FACTORS[4]) +
      Math.imul(fields[USER_ID] ?? 0, FACTORS[5]);
    return mix((sum | 0) + eventType) | 1;
  }

  #field(spans: EventSpans, field: number): void {
    const start = spans.starts[field] ?? 0;
    this.fields[field] = this.#spanHash.hash(spans.view, start, spans.ends[field] ?? 0);
  }
}
