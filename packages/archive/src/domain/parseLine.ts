import { type StoredEvent, storedEventSchema } from "@trueclick/shared/event/stored";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";

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
  return parsed.success && isPlausible(parsed.data.event_time, appendTimeMs) ? parsed.data : null;
}

/** Whether an event time is one, seen from the append time; both epoch milliseconds. */
export function isPlausible(eventTimeMs: number, appendTimeMs: number): boolean {
  const aheadMs = eventTimeMs - appendTimeMs;
  return aheadMs <= AHEAD_MAX_MS && aheadMs >= -BEHIND_MAX_MS;
}

function parseJson(line: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(line));
  } catch {
    return undefined;
  }
}
