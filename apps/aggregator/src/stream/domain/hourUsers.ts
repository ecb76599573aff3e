import type { AdvertiserId } from "@trueclick/shared/ids";

/** Users with a valid click for one campaign in one hour. A part of a set: it may come again. */
export interface HourUsers {
  readonly advertiserId: AdvertiserId;
  readonly campaignId: string;
  /** Epoch milliseconds, a whole hour. */
  readonly hourStartMs: number;
  /**
   * 64 bits of a user's hash each, one or more times. Empty when no click named its user: the hour
   * is known to have none, which is other than not being known.
   */
  readonly userHashes: Uint8Array;
}

/** Bytes of one user in `HourUsers`. */
export const USER_HASH_BYTES = 8;
