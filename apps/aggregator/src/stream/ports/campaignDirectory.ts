import type { CampaignSnapshot } from "../domain/campaigns.ts";

/** Campaigns and their rates. */
export interface CampaignDirectory {
  /**
   * A snapshot that holds every campaign and rate created by `appendTimeMs`, so that a record of
   * that time is judged now as it will be at every replay.
   *
   * The two times come from two clocks, the log's and the directory's. Where the log's is ahead,
   * what is created within that difference after a record may be known only to a replay of it.
   *
   * @throws {StoreUnavailableError} Try again.
   * @throws {StoreRejectedError} Stop.
   */
  snapshotFor(appendTimeMs: number): Promise<CampaignSnapshot>;
}
