import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import type { ModeChange } from "../domain/countingMode.ts";
import type { SimulatedWorld, Written } from "./simulatedStores.ts";
import type { SimulatedRecord } from "./simulatedTraffic.ts";

/**
 * What of a partition nobody may expect to be right until its hours are counted again from the
 * archive, and no more than that:
 *
 * - windows of which the log forgot something before they were done;
 * - rows that a deposed owner wrote last, of records from a change on that it did not know of;
 * - rows that the owner before a gap wrote last, without a commit: what it had read of the records
 *   that are lost may have moved its watermark further.
 */
export class Doubts {
  /** How its records are counted, by ascending offset. */
  readonly modes: readonly ModeChange[];
  /** Records that somebody could count. */
  readonly counted: readonly SimulatedRecord[];
  readonly #minutesMs: ReadonlySet<number>;
  readonly #hoursMs: ReadonlySet<number>;
  readonly #minuteByEvent = new Map<string, number>();
  readonly #staleKeys: ReadonlySet<string>;
  readonly #staleUsers: ReadonlySet<string>;
  readonly #partition: number;
  readonly #staleCells: ReadonlySet<string>;

  constructor({ records, hotStore, checkpoints }: SimulatedWorld, partition: number) {
    const own = records[partition] ?? [];
    const lost = checkpoints.lost.filter((stretch) => stretch.partition === partition);
    const changes = checkpoints.modes.get(partition) ?? [];
    this.#partition = partition;
    this.modes = changes.toSorted((a, b) => Number(a.offsetFrom - b.offsetFrom));
    this.counted = own.filter(({ offset }) => {
      return !lost.some((at) => offset >= at.uncountedFrom && offset < at.toOffset);
    });
    const forgotten = own.filter(({ offset }) => {
      return lost.some((at) => offset >= at.fromOffset && offset < at.toOffset);
    });
    const times = forgotten.flatMap(({ events }) => events.map(({ event_time: timeMs }) => timeMs));
    this.#minutesMs = new Set(times.map((timeMs) => startOf(timeMs, MINUTE_MS)));
    this.#hoursMs = new Set(times.map((timeMs) => startOf(timeMs, HOUR_MS)));
    for (const { offset, events } of own) {
      for (const [index, { event_time: timeMs }] of events.entries()) {
        this.#minuteByEvent.set(`${offset}:${index}`, startOf(timeMs, MINUTE_MS));
      }
    }
    const isStale = ({ offset, epoch, knownChanges, isDeposed }: Written) => {
      const isUnknowing = changes.some((to) => {
        return to.offsetFrom <= offset && !knownChanges.has(to.offsetFrom);
      });
      const isBeforeGap = lost.some((at) => {
        return at.uncountedFrom < at.toOffset && epoch < at.epoch && offset >= at.uncountedFrom;
      });
      return (isDeposed && isUnknowing) || isBeforeGap;
    };
    const stale = [...hotStore.written].filter(([, row]) => isStale(row));
    this.#staleKeys = new Set(stale.map(([key]) => key));
    this.#staleUsers = new Set(stale.map(([key]) => key.slice(0, key.lastIndexOf("/"))));
    this.#staleCells = new Set(
      [...hotStore.cells]
        .filter(([key]) => key.endsWith(`/${partition}`) && this.#staleKeys.has(key))
        .map(([, cell]) => `${cell.cube}/${cell.dimensionValue}/${cell.windowStartMs}`),
    );
  }

  /** @param key `cube/value/minute`. */
  isCellSure(key: string): boolean {
    const minuteMs = Number(key.slice(key.lastIndexOf("/") + 1));
    return !this.#minutesMs.has(minuteMs) && !this.#staleCells.has(key);
  }

  /** @param at `offset:index`. */
  isEventSure(at: string): boolean {
    const minuteMs = this.#minuteByEvent.get(at);
    const isStale = this.#staleKeys.has(`${this.#partition}:${at}`);
    return minuteMs !== undefined && !this.#minutesMs.has(minuteMs) && !isStale;
  }

  isHourSure(hourMs: number): boolean {
    return !this.#hoursMs.has(hourMs);
  }

  /** @param key `campaign/hour`. */
  areUsersSure(key: string): boolean {
    return this.isHourSure(Number(key.slice(key.indexOf("/") + 1))) && !this.#staleUsers.has(key);
  }
}

function startOf(timeMs: number, sizeMs: number): number {
  return Math.floor(timeMs / sizeMs) * sizeMs;
}
