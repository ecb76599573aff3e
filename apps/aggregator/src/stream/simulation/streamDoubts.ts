import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import type { Written } from "./simulatedStores.ts";
import type { SimulatedRecord } from "./simulatedTraffic.ts";
import type { SimulatedWorld } from "./simulatedWorld.ts";

/**
 * What of a partition nobody may expect to be right in the rows of the stream alone, before its hours
 * are counted again from the archive, and no more than that:
 *
 * - windows of which the log forgot something before they were done;
 * - rows that an owner before a gap wrote last, without a commit: behind a gap the archive's append
 *   times may close a window a little earlier.
 */
export class StreamDoubts {
  readonly #partition: number;
  readonly #minutesMs: ReadonlySet<number>;
  readonly #hoursMs: ReadonlySet<number>;
  readonly #minuteByEvent = new Map<string, number>();
  readonly #staleKeys: ReadonlySet<string>;
  readonly #staleUsers: ReadonlySet<string>;
  readonly #staleCells: ReadonlySet<string>;

  constructor({ records, hotStore, checkpoints }: SimulatedWorld, partition: number) {
    const own = records[partition] ?? [];
    const gaps = checkpoints.gaps.filter((gap) => gap.partition === partition);
    this.#partition = partition;
    const forgotten = own.filter(({ offset }) => {
      return gaps.some((gap) => offset >= gap.fromOffset && offset < gap.toOffset);
    });
    this.#minutesMs = startsOf(forgotten, MINUTE_MS);
    this.#hoursMs = startsOf(forgotten, HOUR_MS);
    for (const { offset, events } of own) {
      for (const [index, { event_time: timeMs }] of events.entries()) {
        this.#minuteByEvent.set(`${offset}:${index}`, windowStartMs(timeMs, MINUTE_MS));
      }
    }
    const isStale = ({ offset, life, epoch }: Written) => {
      const isBeforeGap = gaps.some((gap) => {
        return gap.uncountedFrom < gap.toOffset && epoch < gap.epoch && offset >= gap.uncountedFrom;
      });
      return life.partition === partition && isBeforeGap;
    };
    const stale = [...hotStore.written].filter(([, row]) => isStale(row));
    this.#staleKeys = new Set(stale.map(([key]) => key));
    this.#staleUsers = new Set(stale.map(([key]) => key.slice(0, key.lastIndexOf("/"))));
    this.#staleCells = new Set(
      [...hotStore.stream.cells]
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

export function startsOf(records: readonly SimulatedRecord[], sizeMs: number): ReadonlySet<number> {
  const events = records.flatMap((record) => record.events);
  return new Set(events.map(({ event_time: timeMs }) => windowStartMs(timeMs, sizeMs)));
}
