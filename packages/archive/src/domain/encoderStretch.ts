/** A record of the log: one block of lines. */
export interface EncoderRecord {
  readonly offset: bigint;
  /** Stamped by the log, epoch milliseconds. */
  readonly appendTimeMs: number;
  readonly value: Uint8Array;
}

/** A stretch of one partition, as its objects are made from it. */
export interface EncoderStretch {
  readonly partition: number;
  /** Inclusive; no record lies before it. */
  readonly firstOffset: bigint;
  readonly records: readonly EncoderRecord[];
}
