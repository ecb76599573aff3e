import { parseEventTime } from "@trueclick/shared/event/eventTime";
import { textAt } from "./textAt.ts";

const POINT = 0x2e;
const ZERO = 0x30;
const LETTER_Z = 0x5a;
/** `2026-06-01T12:00:`, all of which events that are sent together most often share. */
const MINUTE_LENGTH = 17;
const FRACTION_DIGITS_MAX = 9;

/**
 * Reads event times written as ISO 8601. The minute that was read last is remembered: the seconds
 * behind it are read by themselves. What a minute is, and any other notation, `parseEventTime` says.
 */
export class EventTimes {
  #minute = new Uint8Array(MINUTE_LENGTH);
  #minuteMs: number | null = null;

  /** @returns Epoch milliseconds of the text in `[start, end)`, or null when it names no instant. */
  read(json: Buffer, start: number, end: number): number | null {
    const secondMs = secondsOf(json, start + MINUTE_LENGTH, end);
    if (secondMs === null) return parseEventTime(textAt(json, start, end));
    if (this.#minuteMs === null || !this.#isSameMinute(json, start)) {
      const minute = textAt(json, start, start + MINUTE_LENGTH);
      this.#minuteMs = parseEventTime(`${minute}00Z`);
      this.#minute = Uint8Array.from(json.subarray(start, start + MINUTE_LENGTH));
    }
    return this.#minuteMs === null ? null : this.#minuteMs + secondMs;
  }

  #isSameMinute(json: Uint8Array, start: number): boolean {
    for (let index = 0; index < MINUTE_LENGTH; index += 1) {
      if (json[start + index] !== this.#minute[index]) return false;
    }
    return true;
  }
}

/** Milliseconds of `07Z` or `07.123Z`; null when it is not written so. */
function secondsOf(json: Uint8Array, start: number, end: number): number | null {
  const digits = end - start - 4;
  if (digits < -1 || digits === 0 || digits > FRACTION_DIGITS_MAX) return null;
  if (json[end - 1] !== LETTER_Z || (digits > 0 && json[start + 2] !== POINT)) return null;
  const seconds = digit(json[start]) * 10 + digit(json[start + 1]);
  let ms = 0;
  let weight = 100;
  for (let at = start + 3; at < end - 1; at += 1) {
    // Finer than a millisecond is cut off, but must be digits too.
    ms += digit(json[at]) * weight;
    weight = weight === 1 ? 0 : Math.floor(weight / 10);
  }
  return seconds < 60 && !Number.isNaN(ms) ? seconds * 1_000 + ms : null;
}

/** NaN for what is none. */
function digit(byte: number | undefined): number {
  const value = (byte ?? 0) - ZERO;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}
