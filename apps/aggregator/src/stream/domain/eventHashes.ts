import { CUBES, type CubeField } from "./cubes.ts";
import type { EventSpans } from "./eventSpans.ts";
import type { HashedText } from "./hashedText.ts";
import type { NameField } from "./lineColumnsLayout.ts";
import { mix, type SpanHash } from "./spanHash.ts";
import { fieldAt } from "./storedFields.ts";

const CAMPAIGN_ID = fieldAt("campaign_id");
const AD_ID = fieldAt("ad_id");
const PUBLISHER_ID = fieldAt("publisher_id");
const USER_ID = fieldAt("user_id");
const GEO = fieldAt("geo");
const DEVICE = fieldAt("device");

const FACTORS = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1, 0x5bd1e995] as const;

/** What is looked for in tables of one event, but for its id; used again for every event. */
export class EventHashes {
  readonly campaign: HashedText;
  readonly ad: HashedText;
  readonly publisher: HashedText;
  readonly user: HashedText;
  readonly geo: HashedText;
  readonly device: HashedText;
  /** Of each cube, the text that is its dimension's value. */
  readonly cubes: readonly HashedText[];
  readonly #spanHash: SpanHash;

  /**
   * @param spanHash May be shared: it holds nothing of an event.
   * @param textOf Where what is read of a field is kept.
   */
  constructor(spanHash: SpanHash, textOf: (field: NameField) => HashedText) {
    this.#spanHash = spanHash;
    this.campaign = textOf("campaign_id");
    this.ad = textOf("ad_id");
    this.publisher = textOf("publisher_id");
    this.user = textOf("user_id");
    this.geo = textOf("geo");
    this.device = textOf("device");
    this.cubes = CUBES.map(({ field }) => this.#dimension(field));
  }

  take(spans: EventSpans): void {
    this.#read(this.campaign, spans, CAMPAIGN_ID);
    this.#read(this.ad, spans, AD_ID);
    this.#read(this.publisher, spans, PUBLISHER_ID);
    this.#read(this.user, spans, USER_ID);
    this.#read(this.geo, spans, GEO);
    this.#read(this.device, spans, DEVICE);
  }

  /**
   * A hash of what the sender said, 31 bits and a 1: equal for a retry, different for another event
   * under the same id. What the edge stamps, or derives from a connection that a retry may not
   * share (geo, device, flags), is left out.
   *
   * It only tells `duplicate` from `id_conflict` among copies of one id, and neither is counted, so
   * that a collision moves no count.
   */
  payload({ eventType, eventTimeMs }: EventSpans): number {
    const sum =
      Math.imul(eventTimeMs | 0, FACTORS[0]) +
      Math.imul(Math.floor(eventTimeMs / 2 ** 32), FACTORS[1]) +
      Math.imul(this.campaign.hash, FACTORS[2]) +
      Math.imul(this.ad.hash, FACTORS[3]) +
      Math.imul(this.publisher.hash, FACTORS[4]) +
      Math.imul(this.user.hash, FACTORS[5]);
    return mix((sum | 0) + eventType) | 1;
  }

  #dimension(field: CubeField): HashedText {
    const { ad: ad_id, publisher: publisher_id, geo, device } = this;
    return { ad_id, publisher_id, geo, device }[field];
  }

  #read(text: HashedText, { view, starts, ends }: EventSpans, field: number): void {
    this.#spanHash.read(text, view, starts[field] ?? 0, ends[field] ?? 0);
  }
}
