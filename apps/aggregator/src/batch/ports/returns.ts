import type { IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import type {
  DayReturns,
  ReturnsWindow,
  StaleDay,
  UsersByGap,
  VersionedDay,
} from "../domain/returns.ts";

/** What was counted of one day. */
export interface CountedReturns extends StaleDay, DayReturns {
  readonly lines: readonly {
    readonly campaignId: CampaignId;
    readonly returned: readonly number[];
  }[];
}

/** Users of a day; of all campaigns together where `campaignId` is null. */
export interface DayGaps {
  readonly campaignId: CampaignId | null;
  readonly day: IsoDay;
  readonly gaps: UsersByGap;
}

/** Slices of a day that no day names. */
export interface LeftSlices {
  readonly advertiserId: AdvertiserId;
  readonly day: IsoDay;
  readonly slicesId: number;
}

/** Where returns are kept, and what is known of versions. */
export interface ReturnsRegister {
  /** Who published since an instant by the register's clock; everybody who ever did when null. */
  publishedSince(
    since: Date | null,
  ): Promise<{ readonly advertiserIds: readonly AdvertiserId[]; readonly asOf: Date }>;
  /** Whether nobody else counts the returns of an advertiser, who will leave it to the caller for a while. */
  claim(advertiserId: AdvertiserId): Promise<boolean>;
  release(advertiserId: AdvertiserId): Promise<void>;
  /** The days that reports may be of. */
  days(advertiserId: AdvertiserId): Promise<VersionedDay[]>;
  /** Distinct users of each campaign, as published. */
  lineUsers(
    advertiserId: AdvertiserId,
    day: Pick<StaleDay, "day" | "version">,
  ): Promise<ReadonlyMap<string, number>>;
  /** Notes slices that will be written, each of which is left until a day names it. */
  beginSlices(
    advertiserId: AdvertiserId,
    days: readonly IsoDay[],
  ): Promise<ReadonlyMap<IsoDay, number>>;
  /**
   * Puts a day in the place of what was kept of it, all at once; the slices before are left.
   *
   * @throws {RangeError} if its slices were removed meanwhile.
   */
  replace(
    advertiserId: AdvertiserId,
    counted: CountedReturns & { readonly slicesId: number },
  ): Promise<void>;
  /** Slices that were left so long ago that nobody writes or reads them. */
  leftSlices(): Promise<LeftSlices[]>;
  forgetSlices(left: readonly LeftSlices[]): Promise<void>;
}

export interface ReturnsEngine {
  /** @param days Those of the window that have a version. */
  count(
    advertiserId: AdvertiserId,
    window: ReturnsWindow,
    days: readonly VersionedDay[],
  ): Promise<DayGaps[]>;
  /** Writes the slices of the window's stale days under ids of theirs. */
  writeSlices(
    advertiserId: AdvertiserId,
    window: ReturnsWindow,
    days: readonly VersionedDay[],
    slicesIds: ReadonlyMap<IsoDay, number>,
  ): Promise<void>;
  removeSlices(left: readonly LeftSlices[]): Promise<void>;
}
