import type { StopSignals } from "../../stopSignals.ts";
import { fairShare } from "../domain/fairShare.ts";
import type { LeaseObserver } from "../ports/leaseObserver.ts";
import type { LeaseStore } from "../ports/leaseStore.ts";

/** How the work on a partition ended: `stuck` needs an operator, all else may be started again. */
export type PartitionEnd = "ended" | "stuck";

/** Works on one partition until told to stop. A throw is a fault of the whole role. */
export type WorkOnPartition = (partition: number, signals: StopSignals) => Promise<PartitionEnd>;

export interface LeaseGroup {
  readonly store: LeaseStore;
  /** This process, as the store's views name it. */
  readonly member: string;
  /** How many this process knows of by now. It never falls. */
  readonly partitionCount: () => number;
  readonly observer: LeaseObserver;
  readonly renewIntervalMs: number;
  /** Resolves early, and never rejects, when the signal aborts. */
  readonly delay: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

/** While partitions are still to come, so often a renewal: a hand-over is soon through. */
const EAGER = 4;

interface Work {
  readonly stop: AbortController;
  readonly done: Promise<void>;
  /** Give the lease up once the work has ended. */
  surplus: boolean;
}

/**
 * Works on a fair share of the partitions, as processes come and go, until told to stop. Then every
 * lease is given up, so that others need not wait for it to run out.
 *
 * A store that is away changes nothing: the work goes on, since nobody else can take it over, and
 * what could be committed without the store would be fenced.
 *
 * @throws whatever the work on a partition throws, once all other work has ended.
 */
export async function holdPartitions(
  group: LeaseGroup,
  work: WorkOnPartition,
  signals: StopSignals,
): Promise<void> {
  const fault = new AbortController();
  const stopping = AbortSignal.any([signals.stopping, fault.signal]);
  const failures: unknown[] = [];
  const held = new HeldPartitions(group, async (partition, stop) => {
    try {
      const own = AbortSignal.any([stopping, stop]);
      return await work(partition, { stopping: own, deadline: signals.deadline });
    } catch (error) {
      failures.push(error);
      fault.abort();
      return "ended";
    }
  });

  let joinedWith = 0;
  while (!stopping.aborted) {
    let waitMs = group.renewIntervalMs;
    try {
      const partitionCount = group.partitionCount();
      if (joinedWith < partitionCount) await group.store.join(partitionCount);
      joinedWith = partitionCount;
      const { missing } = await held.renew(partitionCount);
      if (missing > 0) waitMs /= EAGER;
    } catch (error) {
      group.observer.failed(error);
    }
    await group.delay(waitMs, stopping);
  }
  await held.ended();
  await group.store.leave().catch((error: unknown) => group.observer.failed(error));
  if (failures.length > 0) throw failures[0];
}

/** The partitions that are worked on here. */
class HeldPartitions {
  readonly #group: LeaseGroup;
  readonly #start: (partition: number, stop: AbortSignal) => Promise<PartitionEnd>;
  readonly #works = new Map<number, Work>();
  /** Kept, so that no other process gets stuck in the same place, and not started again. */
  readonly #stuck = new Set<number>();

  constructor(
    group: LeaseGroup,
    start: (partition: number, stop: AbortSignal) => Promise<PartitionEnd>,
  ) {
    this.#group = group;
    this.#start = start;
  }

  /** Brings the work into line with the leases, and those with a fair share. */
  async renew(partitionCount: number): Promise<{ readonly missing: number }> {
    const { store, member, observer } = this.#group;
    const { members, held } = await store.renew();
    const share = fairShare(members, member, partitionCount);
    const isHeld = new Set(held);
    for (const [partition, { stop }] of this.#works) if (!isHeld.has(partition)) stop.abort();
    for (const partition of this.#stuck) {
      if (!isHeld.has(partition)) this.#forget(partition);
    }

    const staying = held.filter((partition) => this.#works.get(partition)?.surplus !== true);
    const kept = staying.slice(0, share);
    await this.#giveUp(staying.slice(share));
    const missing = share - kept.length;
    const claimed = missing > 0 ? await store.claim(missing, partitionCount) : [];
    for (const partition of [...kept, ...claimed]) this.#workOn(partition);
    observer.renewed([...this.#works.keys()], share);
    return { missing: missing - claimed.length };
  }

  async ended(): Promise<void> {
    await Promise.all(Array.from(this.#works.values(), ({ done }) => done));
  }

  async #giveUp(partitions: readonly number[]): Promise<void> {
    for (const partition of partitions) {
      const work = this.#works.get(partition);
      if (work !== undefined) {
        work.surplus = true;
        work.stop.abort();
        continue;
      }
      await this.#group.store.release([partition]);
      if (this.#stuck.has(partition)) this.#forget(partition);
    }
  }

  #workOn(partition: number): void {
    if (this.#works.has(partition) || this.#stuck.has(partition)) return;
    const stop = new AbortController();
    const done = this.#start(partition, stop.signal).then((end) => this.#finish(partition, end));
    this.#works.set(partition, { stop, done, surplus: false });
  }

  async #finish(partition: number, end: PartitionEnd): Promise<void> {
    const { store, observer } = this.#group;
    const surplus = this.#works.get(partition)?.surplus === true;
    // The work has ended, what it did is committed: whoever claims the lease goes on from there.
    // When this fails, the next renewal finds the partition held, and gives it up once more.
    if (surplus) {
      await store.release([partition]).catch((error: unknown) => observer.failed(error));
    }
    this.#works.delete(partition);
    if (end === "stuck" && !surplus) this.#stuck.add(partition);
    else observer.ended(partition);
  }

  #forget(partition: number): void {
    this.#stuck.delete(partition);
    this.#group.observer.ended(partition);
  }
}
