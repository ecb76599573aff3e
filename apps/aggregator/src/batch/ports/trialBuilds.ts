import type { IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";

/** Builds that no version will ever name: what is counted to be looked at, and then thrown away. */
export interface TrialBuilds {
  /** A number that no build has or will have, noted so that its rows are swept if nobody discards them. */
  newBuild(advertiserId: AdvertiserId, billingDay: IsoDay): Promise<bigint>;
  /** Removes what a build wrote. */
  discard(advertiserId: AdvertiserId, billingDay: IsoDay, buildId: bigint): Promise<void>;
}
