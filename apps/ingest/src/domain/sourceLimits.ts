/** How many events a source may send: a bucket each, all of them tighter while the log is unwell. */
import type { SourceId } from "@trueclick/shared/ids";
import { RateBucket, type RateLimit } from "./rateBucket.ts";
import type { Source } from "./source.ts";

/** An append that took longer is a sign of trouble, milliseconds. */
const SLOW_APPEND_MS = 2_000;
/** However unwell the log, this part of a limit is left: a log that nobody uses does not recover. */
const FACTOR_MIN = 0.1;
const FACTOR_CUT = 0.7;
const FACTOR_GAIN = 0.05;
/** The factor changes at most this often, so that one stall counts once, milliseconds. */
const FACTOR_STEP_MS = 1_000;

/** Buckets kept; the one that was made first goes, and starts full when its source comes again. */
const SOURCES_MAX = 10_000;

export interface AppendOutcome {
  readonly isOk: boolean;
  readonly durationMs: number;
}

/**
 * The part of every limit that holds now: cut by a share at each step with a failed or slow append,
 * given back in small steps without (as TCP does it), between `FACTOR_MIN` and 1.
 */
export class LogHealth {
  #factor = 1;
  #steppedAtMs = Number.NEGATIVE_INFINITY;

  get factor(): number {
    return this.#factor;
  }

  observe({ isOk, durationMs }: AppendOutcome, nowMs: number): void {
    if (nowMs - this.#steppedAtMs < FACTOR_STEP_MS) return;
    const isWell = isOk && durationMs <= SLOW_APPEND_MS;
    if (isWell && this.#factor === 1) return;
    this.#steppedAtMs = nowMs;
    this.#factor = isWell
      ? Math.min(1, this.#factor + FACTOR_GAIN)
      : Math.max(FACTOR_MIN, this.#factor * FACTOR_CUT);
  }
}

/** Two seconds' worth may come at once: senders gather, and send what they gathered. */
export function toRateLimit(perSecond: number): RateLimit {
  return { perSecond, burst: 2 * perSecond };
}

interface LimitedSource {
  readonly eventsPerSecond: number | null;
  readonly bucket: RateBucket;
}

export class SourceLimits {
  readonly #limit: RateLimit;
  readonly #health: LogHealth;
  readonly #buckets = new Map<SourceId, LimitedSource>();

  constructor(limit: RateLimit, health: LogHealth) {
    this.#limit = limit;
    this.#health = health;
  }

  /** @returns 0 if the events may pass, else after how many milliseconds to send them again. */
  take(source: Pick<Source, "id" | "eventsPerSecond">, events: number, nowMs: number): number {
    const { id, eventsPerSecond = null } = source;
    let limited = this.#buckets.get(id);
    if (limited === undefined || limited.eventsPerSecond !== eventsPerSecond) {
      const [oldest] = this.#buckets.keys();
      if (this.#buckets.size >= SOURCES_MAX && oldest !== undefined) this.#buckets.delete(oldest);
      const limit = eventsPerSecond === null ? this.#limit : toRateLimit(eventsPerSecond);
      limited = { eventsPerSecond, bucket: new RateBucket(limit, nowMs) };
      this.#buckets.set(id, limited);
    }
    // Half the rate is every event at twice the price.
    return limited.bucket.take(events / this.#health.factor, nowMs);
  }
}
