import { type StoredEvent, storedEventSchema } from "@trueclick/shared/event/stored";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";

/** One line of a block as the archive keeps it: the bytes, where they lay, and what they say. */
export interface ArchiveRow {
  readonly partition: number;
  readonly offset: bigint;
  /** Line of the block, from 0. */
  readonly index: number;
  /** Stamped by the log, epoch milliseconds. */
  readonly appendTimeMs: number;
  /** The received bytes, unchanged. */
  readonly line: Uint8Array;
  /** Null when the line is no stored event: it is kept and flagged, never counted. */
  readonly event: StoredEvent | null;
}

/**
 * How far an event time may lie from the append time to be taken for one; the stream takes the same.
 * Beyond, a foreign producer wrote nonsense, and each such event would get an object of its own.
 */
const AHEAD_MAX_MS = HOUR_MS;
const BEHIND_MAX_MS = 60 * DAY_MS;

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Reads a line as a stored event; null if it is none. Never throws: bad input is an outcome. */
export function parseLine(line: Uint8Array, appendTimeMs: number): StoredEvent | null {
  const parsed = storedEventSchema.safeParse(parseJson(line));
  if (!parsed.success) return null;
  const aheadMs = parsed.data.event_time - appendTimeMs;
  return aheadMs <= AHEAD_MAX_MS && aheadMs >= -BEHIND_MAX_MS ? parsed.data : null;
}

/** When a row happened as far as the archive can tell: an unparseable one, when it was appended. */
export function rowTimeMs(row: ArchiveRow): number {
  return row.event?.event_time ?? row.appendTimeMs;
}

function parseJson(line: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(line));
  } catch {
    return undefined;
  }
}
