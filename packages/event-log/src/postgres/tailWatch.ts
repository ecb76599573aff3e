import { setTimeout as sleep } from "node:timers/promises";
import type { PostgresConnection } from "./postgresConnection.ts";

/** Bounds on the time between two looks, milliseconds; the longer it is quiet, the longer. */
const LOOK_INTERVAL_MIN_MS = 25;
const LOOK_INTERVAL_MAX_MS = 200;

const END_OFFSETS_SQL =
  "SELECT partition, next_offset FROM event_log.partitions WHERE topic_id = $1";

interface Waiter {
  readonly partition: number;
  readonly offset: bigint;
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Tells waiting reads when their partition has grown: one query for all of them, at short intervals
 * while somebody waits. LISTEN and NOTIFY would be quicker by some milliseconds, but a commit with a
 * NOTIFY waits for every other such commit in the cluster, which undoes the group commit, and a
 * transaction pooler in between loses it.
 */
export class TailWatch {
  readonly #postgres: PostgresConnection;
  readonly #topicId: number;
  readonly #waiters = new Set<Waiter>();
  #looking = false;

  constructor(postgres: PostgresConnection, topicId: number) {
    this.#postgres = postgres;
    this.#topicId = topicId;
  }

  /**
   * Resolves when there is a record at `offset` or later, after `waitMs`, or when aborted.
   *
   * @throws {LogUnavailableError}
   */
  async waitFor(
    partition: number,
    offset: bigint,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { partition, offset, wake: resolve, fail: reject };
    const timer = setTimeout(resolve, waitMs);
    const abort = () => resolve();
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) resolve();
    this.#waiters.add(waiter);
    void this.#look();
    try {
      await promise;
    } finally {
      this.#waiters.delete(waiter);
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    let intervalMs = LOOK_INTERVAL_MIN_MS;
    try {
      while (this.#waiters.size > 0) {
        await sleep(intervalMs);
        const woken = await this.#wakeGrown();
        const nextMs = woken ? LOOK_INTERVAL_MIN_MS : intervalMs * 1.25;
        intervalMs = Math.min(nextMs, LOOK_INTERVAL_MAX_MS);
      }
    } catch (error) {
      for (const waiter of this.#waiters) waiter.fail(error);
      this.#waiters.clear();
    } finally {
      this.#looking = false;
    }
  }

  async #wakeGrown(): Promise<boolean> {
    if (this.#waiters.size === 0) return false;
    const rows = await this.#postgres.query<{ partition: number; next_offset: string }>(
      END_OFFSETS_SQL,
      [this.#topicId],
    );
    const ends = new Map(rows.map((row) => [row.partition, BigInt(row.next_offset)]));
    let woken = false;
    for (const waiter of this.#waiters) {
      if ((ends.get(waiter.partition) ?? 0n) <= waiter.offset) continue;
      waiter.wake();
      woken = true;
    }
    return woken;
  }
}
