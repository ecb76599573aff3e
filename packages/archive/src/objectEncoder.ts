import type { EncoderStretch } from "./domain/encoderStretch.ts";

/** The object of one event hour of a stretch. */
export interface EncodedHour {
  /** Start of the UTC hour, epoch milliseconds. */
  readonly eventHourMs: number;
  readonly rows: number;
  readonly bytes: Uint8Array;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Makes one archive object of several of an event hour and partition. */
export interface ObjectMerger {
  /**
   * All rows of the objects in their order, each with the values that it has.
   *
   * @param base The first offset of the first object.
   * @throws if an object cannot be read, or the merger broke down.
   */
  merge(
    base: bigint,
    objects: readonly Uint8Array[],
  ): Promise<{ readonly rows: number; readonly bytes: Uint8Array }>;
}

/** Makes the bytes of archive objects. The same stretch gives the same bytes. */
export interface ObjectEncoder {
  /**
   * One object an event hour, the oldest first; rows in the order of the log. A line that is no
   * event lies in the hour of its append time.
   *
   * @throws if the encoder broke down. Encode the stretch again.
   */
  encode(stretch: EncoderStretch): Promise<readonly EncodedHour[]>;
}
