import { OffsetOutOfRangeError } from "@trueclick/event-log";
import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import type { ArchivedBlock } from "../../backfill/domain/recount.ts";
import {
  type ArchivedHours,
  type ArchivedPartition,
  ObjectRowsDifferError,
} from "../../backfill/ports/archivedHours.ts";
import type { ArchivedStretch } from "../domain/logGap.ts";
import { blockOf } from "../testing/fixtures.ts";
import type { MemoryManifest } from "../testing/memoryStores.ts";
import type { SimulatedLog } from "./simulatedLog.ts";
import type { SimulatedRecord } from "./simulatedTraffic.ts";

/** A stretch of a partition, with what its objects hold. */
interface Stretch {
  /** Where the one before ended. */
  readonly firstOffset: bigint;
  /** Inclusive. */
  readonly lastOffset: bigint;
  readonly records: readonly SimulatedRecord[];
}

/**
 * An archive of its own, without any code of the real one, but by the same rules: stretches are
 * gapless from 0 on; what is read is archived at some later time, all at once, or is lost with the
 * process; and where the log forgot what is next, the partition is archived no more.
 */
export class SimulatedArchive implements ArchivedHours, MemoryManifest {
  readonly #log: SimulatedLog;
  readonly #stretches: Stretch[][];
  /** Read, and not archived yet. */
  readonly #held: SimulatedRecord[][];

  constructor(log: SimulatedLog) {
    this.#log = log;
    this.#stretches = Array.from({ length: log.partitionCount }, () => []);
    this.#held = Array.from({ length: log.partitionCount }, () => []);
  }

  /** The first offset that is not archived. */
  frontier(partition: number): bigint {
    const last = this.#stretches[partition]?.at(-1);
    return last === undefined ? 0n : last.lastOffset + 1n;
  }

  /** The offset that it reads next: what the log must keep for it. */
  nextOffset(partition: number): bigint {
    const last = this.#held[partition]?.at(-1);
    return last === undefined ? this.frontier(partition) : last.offset + 1n;
  }

  read1(partition: number): void {
    try {
      const fromOffset = this.nextOffset(partition);
      const records = this.#log.readNow({ partition, fromOffset, recordsMax: 1 });
      this.#held[partition]?.push(...records);
    } catch (error) {
      if (!(error instanceof OffsetOutOfRangeError)) throw error;
    }
  }

  commit(partition: number): void {
    const records = this.#held[partition] ?? [];
    const last = records.at(-1);
    if (last === undefined) return;
    const firstOffset = this.frontier(partition);
    this.#stretches[partition]?.push({ firstOffset, lastOffset: last.offset, records });
    this.#held[partition] = [];
  }

  crash(partition: number): void {
    this.#held[partition] = [];
  }

  /** Archives all that the log has, as far as it has what is next. */
  catchUp(partition: number): void {
    for (let at = -1n; at !== this.nextOffset(partition); ) {
      at = this.nextOffset(partition);
      this.read1(partition);
    }
    this.commit(partition);
  }

  stretchOf(partition: number, fromOffset: bigint, toOffset: bigint): ArchivedStretch {
    const touching = (this.#stretches[partition] ?? []).filter((stretch) => {
      return stretch.lastOffset >= fromOffset && stretch.firstOffset < toOffset;
    });
    const records = touching.flatMap((stretch) => stretch.records);
    const hours = records.flatMap(({ events }) => events.map(({ event_time: at }) => hourOf(at)));
    const times = records.map(({ appendTimeMs }) => appendTimeMs);
    return {
      hoursMs: [...new Set(hours)],
      isWhole: this.frontier(partition) >= toOffset,
      newestAppendMs: times.length === 0 ? null : Math.max(...times),
    };
  }

  async partitionsOf(hourMs: number): Promise<ArchivedPartition[]> {
    const partitions = [...this.#stretches.keys()];
    const range = { fromMs: hourMs, toMs: hourMs + HOUR_MS };
    return partitions
      .map((partition) => {
        const rows = this.#blocksOf(partition, range).flatMap(({ indexes }) => indexes).length;
        return { partition, rows, paths: [] };
      })
      .filter(({ rows }) => rows > 0);
  }

  async read(
    { partition }: ArchivedPartition,
    range: InstantRange,
    nextOffset: bigint,
  ): Promise<ArchivedBlock[]> {
    return this.#blocksOf(partition, range).filter(({ offset }) => offset < nextOffset);
  }

  #blocksOf(partition: number, { fromMs, toMs }: InstantRange): ArchivedBlock[] {
    const records = (this.#stretches[partition] ?? []).flatMap((stretch) => stretch.records);
    return records.flatMap(({ offset, appendTimeMs, events }) => {
      const indexes = [...events.keys()].filter((index) => {
        const timeMs = events[index]?.event_time ?? 0;
        return timeMs >= fromMs && timeMs < toMs;
      });
      const own = events.filter((_event, index) => indexes.includes(index));
      return own.length === 0 ? [] : [{ offset, appendTimeMs, indexes, value: blockOf(own) }];
    });
  }
}

/** What reading an object that is damaged comes to. */
export function damaged(): Error {
  return new ObjectRowsDifferError("an object has other rows than the manifest says");
}

function hourOf(timeMs: number): number {
  return windowStartMs(timeMs, HOUR_MS);
}
