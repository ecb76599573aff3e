/** How far the stream had come in a partition when an hour was taken up. */
export interface PartitionBound {
  readonly partition: number;
  /** Exclusive: what the stream has read, and its evidence is of. */
  readonly nextOffset: bigint;
  /** Windows that end by then are closed; null: none is. */
  readonly watermarkMs: number | null;
}

/** An hour to be counted again, and all that was known when it was taken up. */
export interface DirtyHour {
  readonly hourMs: number;
  readonly causes: readonly string[];
  /** The newest mark seen. One that comes later calls for another backfill. */
  readonly seenAt: string;
  readonly bounds: readonly PartitionBound[];
}

export interface BackfillFacts {
  readonly events: number;
  readonly corrected: number;
  readonly startedAt: Date;
}

/** The hours that the hot store must be given again. */
export interface DirtyHours {
  /**
   * Marks the hours of gaps of the log that the archive lacked when they were found, and has come
   * past meanwhile.
   */
  settleGaps(): Promise<void>;
  /**
   * Hours to heal, the oldest mark first; none that was healed within `restMs`, so that a trickle
   * of late events costs a recount an interval and no more. Marks and bounds are of one snapshot:
   * what was marked lies within the bounds.
   *
   * @param failedMs Starts of hours that come behind all others, epoch milliseconds.
   */
  open(restMs: number, failedMs: readonly number[]): Promise<readonly DirtyHour[]>;
  /** Next offset of the archive by partition. */
  archiveFrontier(): Promise<ReadonlyMap<number, bigint>>;
  /** Says that rows of an hour are about to be written, before the first is. */
  recounting(hour: DirtyHour): Promise<void>;
  /** Records a backfill, and that the marks it saw are healed. */
  healed(hour: DirtyHour, facts: BackfillFacts): Promise<void>;
}
