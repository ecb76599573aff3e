import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { type CountingMode, LEVEL } from "./countingMode.ts";

/** How long the stream must be pressed, at each level, before it goes one further. */
const RAISE_AFTER_MS = [30 * SECOND_MS, MINUTE_MS, 2 * MINUTE_MS] as const;
/** How long it must be at ease before it goes back by one: longer, so that it does not swing. */
const LOWER_AFTER_MS = 90 * SECOND_MS;
/** A flush that takes longer presses, a shorter one than the second is at ease. */
const FLUSH_SLOW_MS = 2 * SECOND_MS;
const FLUSH_EASY_MS = 500;

/** The allowed lateness at most: more keeps windows open for nobody. */
export const LATENESS_MAX_MS = HOUR_MS;
/** Events after which the share of late ones is looked at. */
const LATE_SAMPLE_EVENTS = 5_000;
const LATE_SHARE_HIGH = 0.05;
const LATE_SHARE_LOW = 0.005;

/** What one flush has shown. */
export interface Observation {
  /** A monotonic clock, milliseconds. */
  readonly nowMs: number;
  /** Whether the end of the log was reached. */
  readonly caughtUp: boolean;
  /** How long the rows took to write; 0 when there were none. */
  readonly flushMs: number;
  readonly events: number;
  /** Late ones that a longer lateness, up to the limit, would have let in. */
  readonly rescuable: number;
}

/** Decides how the records to come are counted; null: as before. */
export interface Governor {
  decide(seen: Observation): (CountingMode & { readonly cause: string }) | null;
}

/**
 * Gives up detail step by step when the stream cannot keep up, and takes it back, each only after a
 * while of the same; lets later events in while many come late.
 */
export class PressureGovernor implements Governor {
  readonly #baseLatenessMs: number;
  #mode: CountingMode;
  #pressedSinceMs: number | null = null;
  #easySinceMs: number | null = null;
  #events = 0;
  #rescuable = 0;

  constructor(baseLatenessMs: number, mode: CountingMode) {
    this.#baseLatenessMs = baseLatenessMs;
    this.#mode = mode;
  }

  decide(seen: Observation) {
    const level = this.#levelAfter(seen);
    const allowedLatenessMs = this.#latenessAfter(seen);
    const before = this.#mode;
    if (level === before.level && allowedLatenessMs === before.allowedLatenessMs) return null;
    this.#mode = { level, allowedLatenessMs };
    const words = [
      level > before.level ? "behind the log or slow to write" : "",
      level < before.level ? "keeping up again" : "",
      allowedLatenessMs > before.allowedLatenessMs ? "many events come late" : "",
      allowedLatenessMs < before.allowedLatenessMs ? "few events come late again" : "",
    ];
    return { ...this.#mode, cause: words.filter((word) => word !== "").join("; ") };
  }

  #levelAfter({ nowMs, caughtUp, flushMs }: Observation): number {
    const { level } = this.#mode;
    const pressed = !caughtUp || flushMs > FLUSH_SLOW_MS;
    const easy = caughtUp && flushMs < FLUSH_EASY_MS;
    this.#pressedSinceMs = pressed ? (this.#pressedSinceMs ?? nowMs) : null;
    this.#easySinceMs = easy ? (this.#easySinceMs ?? nowMs) : null;
    const raiseAfterMs = RAISE_AFTER_MS[level];
    if (raiseAfterMs !== undefined && hasLasted(this.#pressedSinceMs, nowMs, raiseAfterMs)) {
      this.#pressedSinceMs = nowMs;
      return level + 1;
    }
    if (level > LEVEL.whole && hasLasted(this.#easySinceMs, nowMs, LOWER_AFTER_MS)) {
      this.#easySinceMs = nowMs;
      return level - 1;
    }
    return level;
  }

  #latenessAfter({ events, rescuable }: Observation): number {
    const { allowedLatenessMs } = this.#mode;
    this.#events += events;
    this.#rescuable += rescuable;
    if (this.#events < LATE_SAMPLE_EVENTS) return allowedLatenessMs;
    const share = this.#rescuable / this.#events;
    this.#events = 0;
    this.#rescuable = 0;
    const longestMs = Math.max(LATENESS_MAX_MS, this.#baseLatenessMs);
    if (share > LATE_SHARE_HIGH) return Math.min(longestMs, 2 * allowedLatenessMs);
    if (share < LATE_SHARE_LOW) return Math.max(this.#baseLatenessMs, allowedLatenessMs / 2);
    return allowedLatenessMs;
  }
}

function hasLasted(sinceMs: number | null, nowMs: number, lengthMs: number): boolean {
  return sinceMs !== null && nowMs - sinceMs >= lengthMs;
}
