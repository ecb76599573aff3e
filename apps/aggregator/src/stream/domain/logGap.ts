import type { EngineCheckpoint } from "./partitionEngine.ts";

/** What the archive holds of a stretch of the log. */
export interface ArchivedStretch {
  /** Starts of the hours of event time that it has objects of, epoch milliseconds. */
  readonly hoursMs: readonly number[];
  /** Whether all of the stretch is in it. */
  readonly isWhole: boolean;
  /** No append time in the stretch is higher, epoch milliseconds; null: not known of all of it. */
  readonly newestAppendMs: number | null;
}

/** Where the log begins once it has expired under a checkpoint. */
interface Expired {
  readonly startOffset: bigint;
  /** No former owner has written rows of records from there on, or will. */
  readonly announcedOffset: bigint;
}

/** How counting goes on behind what the log has lost. */
export interface GapPassed {
  readonly checkpoint: EngineCheckpoint;
  readonly fromOffset: bigint;
  /** Exclusive. */
  readonly toOffset: bigint;
  /** Whether the archive holds all that was lost. */
  readonly archived: boolean;
  /**
   * Hours of records before it may be wrong, and are not all known yet: those of lost records that
   * the archive lacks, and those of records behind the gap that a former owner may have judged by
   * another watermark, and left rows of. Null: all hours are known.
   */
  readonly unsureUntil: bigint | null;
}

/**
 * Moves a checkpoint to where the log begins now. The watermark stays: what it had closed stays
 * closed. It goes on from the append times of the lost records, as far as the archive knows them:
 * who had read them, and died before a commit, judged by them what lies behind the gap, and the
 * rows of that are there.
 *
 * @param archived What the archive holds from the checkpoint's restart offset to the log's start.
 */
export function passGap(
  before: EngineCheckpoint,
  { startOffset, announcedOffset }: Expired,
  { isWhole, newestAppendMs }: ArchivedStretch,
): GapPassed {
  const { nextOffset, restartOffset, appendTimeMs } = before;
  // Only windows lack something: all that was lost had moved the watermark before.
  const isCounted = nextOffset >= startOffset;
  const isKnown = isWhole && (isCounted || newestAppendMs !== null);
  const unsure = isCounted || announcedOffset < startOffset ? startOffset : announcedOffset;
  const times = [appendTimeMs, isCounted ? null : newestAppendMs].filter((at) => at !== null);
  return {
    checkpoint: {
      ...before,
      nextOffset: isCounted ? nextOffset : startOffset,
      restartOffset: startOffset,
      appendTimeMs: times.length === 0 ? null : Math.max(...times),
    },
    fromOffset: restartOffset,
    toOffset: startOffset,
    archived: isWhole,
    unsureUntil: isKnown ? null : unsure,
  };
}
