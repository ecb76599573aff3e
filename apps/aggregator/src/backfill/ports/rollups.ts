/** How far readers take hours for minutes, and what decides how far they may. */
export interface RollupState {
  /** Epoch milliseconds; null before the first rollup. */
  readonly rolledThroughMs: number | null;
  /** Now, by the clock of the store. */
  readonly nowMs: number;
  /**
   * Start of the oldest hour that lacks records which were lost, and waits to be counted again, epoch
   * milliseconds: 0 while it is not known which hours these are; null: there is none. What has waited
   * for too long is left out.
   */
  readonly brokenMs: number | null;
  /** Windows that end by then take no more events, by partition; null before its first record. */
  readonly partitions: ReadonlyMap<number, PartitionProgress>;
}

export interface PartitionProgress {
  readonly nextOffset: bigint;
  readonly watermarkMs: number | null;
}

export interface Rollups {
  state(): Promise<RollupState>;
  /** Moves the border, never back. */
  advance(rolledThroughMs: number): Promise<void>;
  /** Advertisers whose days start within an hour of UTC. */
  quarterAdvertisers(): Promise<ReadonlySet<string>>;
}
