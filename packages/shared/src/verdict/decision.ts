import type { AdvertiserId } from "../ids/ids.ts";

/** What a decision is about: events that match all that is given. At least one besides the advertiser. */
export interface DecisionScope {
  /** Of one advertiser; of all when not given. */
  readonly advertiserId?: AdvertiserId;
  readonly campaignId?: string;
  readonly adId?: string;
  readonly publisherId?: string;
  readonly userId?: string;
  /** /24 or /48, as the edge stores it. */
  readonly ipNet?: string;
  readonly eventId?: string;
}
