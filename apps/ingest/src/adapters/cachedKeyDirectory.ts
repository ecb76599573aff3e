import type { SourceId } from "@trueclick/shared/ids";
import type { Source } from "../domain/source.ts";
import {
  type KeyDirectory,
  KeyDirectoryUnavailableError,
  type RememberedKeys,
  type SourceKey,
} from "../ports/keyDirectory.ts";
import { withTimeout } from "./withTimeout.ts";

export interface KeyCacheLimits {
  /** An answer is asked for anew after this long: how late a revocation may bite, milliseconds. */
  readonly ttlMs: number;
  /** While the directory is down, keys that were good are believed this long, milliseconds. */
  readonly staleMaxMs: number;
  /** Entries of each kind, good and unknown. Apart, so that a flood of guesses evicts no good key. */
  readonly entriesMax: number;
  /** Lookups under way at once; beyond it a key that is not remembered is refused with 503. */
  readonly lookupsMax: number;
  readonly lookupTimeoutMs: number;
  /** After a failed lookup the directory is left alone this long, milliseconds. */
  readonly retryAfterMs: number;
}

interface Remembered {
  readonly key: SourceKey | null;
  readonly askedAtMs: number;
}

/**
 * Remembers what a directory said, within bounds. When the directory is down, keys that it has
 * confirmed go on working and all others fail closed: an edge whose database restarts must not stop
 * taking clicks, and must not take them from strangers.
 */
export class CachedKeyDirectory implements KeyDirectory, RememberedKeys {
  readonly #directory: KeyDirectory;
  readonly #limits: KeyCacheLimits;
  readonly #nowMs: () => number;
  readonly #good = new Map<string, Remembered>();
  readonly #unknown = new Map<string, Remembered>();
  /** Requests with one key share one lookup. */
  readonly #lookups = new Map<string, Promise<SourceKey | null>>();
  #leaveAloneUntilMs = 0;
  #answeredAtMs: number | null = null;

  constructor(directory: KeyDirectory, limits: KeyCacheLimits, nowMs: () => number) {
    this.#directory = directory;
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  recall(lookup: string): SourceKey | null {
    const remembered = this.#good.get(lookup);
    if (remembered === undefined || this.#ageMs(remembered) >= this.#limits.ttlMs) return null;
    return remembered.key;
  }

  async find(lookup: string): Promise<SourceKey | null> {
    const remembered = this.#good.get(lookup) ?? this.#unknown.get(lookup);
    if (remembered !== undefined && this.#ageMs(remembered) < this.#limits.ttlMs) {
      return remembered.key;
    }
    try {
      return await this.#lookUp(lookup);
    } catch (cause) {
      const isUsable =
        remembered !== undefined &&
        remembered.key !== null &&
        this.#ageMs(remembered) < this.#limits.staleMaxMs;
      if (isUsable) return remembered.key;
      throw cause;
    }
  }

  /** Asked each time: only operators ask, and seldom. */
  findSource(sourceId: SourceId): Promise<Source | null> {
    return withTimeout(this.#directory.findSource(sourceId), this.#limits.lookupTimeoutMs, late);
  }

  ping(): Promise<void> {
    return withTimeout(this.#directory.ping(), this.#limits.lookupTimeoutMs, late);
  }

  /** Age of the youngest answer of the directory, milliseconds; null before any. */
  ageMs(): number | null {
    return this.#answeredAtMs === null ? null : this.#nowMs() - this.#answeredAtMs;
  }

  /** Whether there is a key that would be believed without the directory. */
  remembersKeys(): boolean {
    const remembered = [...this.#good.values()];
    return remembered.some((entry) => this.#ageMs(entry) < this.#limits.staleMaxMs);
  }

  #lookUp(lookup: string): Promise<SourceKey | null> {
    const underWay = this.#lookups.get(lookup);
    if (underWay !== undefined) return underWay;
    if (this.#nowMs() < this.#leaveAloneUntilMs || this.#lookups.size >= this.#limits.lookupsMax) {
      return Promise.reject(new KeyDirectoryUnavailableError("The key directory is not asked now"));
    }
    const asked = this.#ask(lookup).finally(() => this.#lookups.delete(lookup));
    this.#lookups.set(lookup, asked);
    return asked;
  }

  async #ask(lookup: string): Promise<SourceKey | null> {
    const askedAtMs = this.#nowMs();
    try {
      const found = this.#directory.find(lookup);
      const key = await withTimeout(found, this.#limits.lookupTimeoutMs, late);
      this.#answeredAtMs = askedAtMs;
      this.#remember(lookup, { key, askedAtMs });
      return key;
    } catch (cause) {
      this.#leaveAloneUntilMs = this.#nowMs() + this.#limits.retryAfterMs;
      throw cause;
    }
  }

  #remember(lookup: string, remembered: Remembered): void {
    this.#good.delete(lookup);
    this.#unknown.delete(lookup);
    const kept = remembered.key === null ? this.#unknown : this.#good;
    if (kept.size >= this.#limits.entriesMax) {
      const [oldest] = kept.keys();
      if (oldest !== undefined) kept.delete(oldest);
    }
    kept.set(lookup, remembered);
  }

  #ageMs(remembered: Remembered): number {
    return this.#nowMs() - remembered.askedAtMs;
  }
}

function late(message: string): Error {
  return new KeyDirectoryUnavailableError(message);
}
