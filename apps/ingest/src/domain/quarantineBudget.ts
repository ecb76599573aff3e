/**
 * How much of what is refused is kept: a share for each source, and a bound on all of them, so that a
 * flood of one fills neither the disk nor the place of the others. What is over is counted by source
 * and reason, and the counts are kept in its stead.
 */
import type { RejectCode } from "@trueclick/shared/event/rejection";
import type { SourceId } from "@trueclick/shared/ids";
import { RateBucket, type RateLimit } from "./rateBucket.ts";

/** Bytes kept of one source: an hour of them is 900 MB at most, a minute 30 MB. */
export const SOURCE_KEPT: RateLimit = { perSecond: 262_144, burst: 16_777_216 };
/** Bytes kept of all sources together. */
export const ALL_KEPT: RateLimit = { perSecond: 1_048_576, burst: 67_108_864 };
/** What keeping an item costs beside its bytes. */
const ITEM_FRAME_BYTES = 256;
/** Sources whose share is remembered; the one that was made first goes, and starts full again. */
const SOURCES_MAX = 10_000;
/** Kinds of overflow counted apart between two reports; what is over goes to the last one. */
const KINDS_MAX = 1_000;

/** Items that were given up, of one source for one reason. */
export interface Overflow {
  readonly sourceId: SourceId;
  readonly code: RejectCode;
  readonly items: number;
}

interface Candidate {
  readonly sourceId: SourceId;
  readonly code: RejectCode;
  readonly bytes: Uint8Array;
  readonly receivedAtMs: number;
}

export class QuarantineBudget {
  readonly #perSource: RateLimit;
  readonly #all: RateBucket;
  readonly #sources = new Map<SourceId, RateBucket>();
  readonly #overflow = new Map<string, Overflow>();

  constructor(perSource: RateLimit, all: RateLimit, nowMs: number) {
    this.#perSource = perSource;
    this.#all = new RateBucket(all, nowMs);
  }

  /** Whether an item may be kept. One that may not is not counted yet: see `giveUp`. */
  admits(item: Candidate): boolean {
    const { sourceId, bytes, receivedAtMs } = item;
    const cost = bytes.length + ITEM_FRAME_BYTES;
    let bucket = this.#sources.get(sourceId);
    if (bucket === undefined) {
      const [oldest] = this.#sources.keys();
      if (this.#sources.size >= SOURCES_MAX && oldest !== undefined) this.#sources.delete(oldest);
      bucket = new RateBucket(this.#perSource, receivedAtMs);
      this.#sources.set(sourceId, bucket);
    }
    // The source's share first: who has none left must not use up what the others share.
    return bucket.take(cost, receivedAtMs) === 0 && this.#all.take(cost, receivedAtMs) === 0;
  }

  /** Counts an item that is not kept, for whatever reason. */
  giveUp({ sourceId, code }: Pick<Candidate, "sourceId" | "code">): void {
    this.count({ sourceId, code, items: 1 });
  }

  /** Counts items again whose count could not be stored. */
  count({ sourceId, code, items }: Overflow): void {
    const kind = `${code} ${sourceId}`;
    const known = this.#overflow.get(kind);
    if (known === undefined && this.#overflow.size >= KINDS_MAX) {
      const [last] = this.#overflow.keys();
      const other = last === undefined ? undefined : this.#overflow.get(last);
      if (last !== undefined && other !== undefined) {
        this.#overflow.set(last, { ...other, items: other.items + items });
      }
      return;
    }
    this.#overflow.set(kind, { sourceId, code, items: (known?.items ?? 0) + items });
  }

  /** What was given up since the last call. */
  takeOverflow(): Overflow[] {
    const overflow = [...this.#overflow.values()];
    this.#overflow.clear();
    return overflow;
  }
}
