import type { AdvertiserId } from "@trueclick/shared/ids";
import { type Campaign, type CampaignSnapshot, costMicrosAt } from "./campaigns.ts";
import { type HalvedMicros, halved } from "./cellTable.ts";
import type { EventSpans } from "./eventSpans.ts";
import type { HashedText } from "./hashedText.ts";
import { Interner } from "./interner.ts";
import { fieldAt } from "./storedFields.ts";

const CAMPAIGN_ID = fieldAt("campaign_id");
const FREE: HalvedMicros = { upper: 0, lower: 0 };

/** A campaign as the engine wants it: found by a small integer, its rates ready to be added. */
export interface KnownCampaign {
  readonly index: number;
  readonly campaignId: string;
  readonly advertiserId: AdvertiserId;
  readonly createdAtMs: number;
  /** All rates were known by then. */
  readonly ratesCreatedByMs: number;
  readonly rateStartsMs: readonly number[];
  readonly rateCosts: readonly HalvedMicros[];
  readonly campaign: Campaign;
}

/**
 * The campaigns of a snapshot, by the bytes of their ids. Holds those that the snapshot has, so that
 * senders of unknown ones fill nothing; their integers stay the same from snapshot to snapshot.
 */
export class KnownCampaigns {
  readonly #ids = new Interner();
  #snapshot: CampaignSnapshot = new Map();
  #known: (KnownCampaign | undefined)[] = [];
  /** By integer, whatever the snapshot: as each was when it was last looked up. */
  readonly #ever: KnownCampaign[] = [];

  /** Goes on with another snapshot. */
  turnTo(snapshot: CampaignSnapshot): void {
    if (snapshot === this.#snapshot) return;
    this.#snapshot = snapshot;
    this.#known = [];
  }

  /** The event's campaign, if it existed when the record was appended. */
  knownAt(spans: EventSpans, campaignId: HashedText, appendTimeMs: number): KnownCampaign | null {
    const index = this.#ids.find(spans.view, campaignId);
    const known = this.#known[index] ?? this.#lookUp(spans, campaignId);
    return known !== null && known.createdAtMs <= appendTimeMs ? known : null;
  }

  /** The campaign of an integer, as it was last known. @throws {RangeError} if it never was. */
  at(index: number): KnownCampaign {
    const known = this.#ever[index];
    if (known === undefined) throw new RangeError(`No campaign ${index}`);
    return known;
  }

  #lookUp(spans: EventSpans, text: HashedText): KnownCampaign | null {
    const campaignId = spans.text(CAMPAIGN_ID);
    const campaign = this.#snapshot.get(campaignId);
    if (campaign === undefined) return null;
    const index = this.#ids.intern(spans.view, text);
    const known = toKnown(index, campaignId, campaign);
    this.#known[index] = known;
    this.#ever[index] = known;
    return known;
  }
}

function toKnown(index: number, campaignId: string, campaign: Campaign): KnownCampaign {
  const { advertiserId, createdAtMs, rates } = campaign;
  return {
    ...{ index, campaignId, advertiserId, createdAtMs, campaign },
    ratesCreatedByMs: rates.reduce((ms, rate) => Math.max(ms, rate.createdAtMs), 0),
    rateStartsMs: rates.map(({ effectiveFromMs }) => effectiveFromMs),
    rateCosts: rates.map(({ cpcMicros }) => halved(cpcMicros)),
  };
}

/** What a click costs, as `costMicrosAt` says, which it asks where a rate came too late. */
export function halvedCostAt(
  known: KnownCampaign,
  eventTimeMs: number,
  appendTimeMs: number,
): HalvedMicros {
  if (appendTimeMs < known.ratesCreatedByMs) {
    return halved(costMicrosAt(known.campaign, eventTimeMs, appendTimeMs));
  }
  const { rateStartsMs, rateCosts } = known;
  // Campaigns have few rates, and the newest is the likeliest.
  let at = rateStartsMs.length - 1;
  while (at >= 0 && (rateStartsMs[at] ?? 0) > eventTimeMs) at -= 1;
  return rateCosts[at] ?? FREE;
}
