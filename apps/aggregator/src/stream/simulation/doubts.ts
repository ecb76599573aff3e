import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import type { ModeChange } from "../domain/countingMode.ts";
import type { MemoryGap } from "../testing/memoryStores.ts";
import type { SimulatedRecord } from "./simulatedTraffic.ts";
import type { SimulatedWorld } from "./simulatedWorld.ts";
import { startsOf } from "./streamDoubts.ts";

/**
 * What of a partition nobody may expect to be right in the end, and no more than that:
 *
 * - hours that are marked and not counted again yet, while the archive is stuck;
 * - windows of which neither log nor archive has a record any more;
 * - hours behind a gap whose append times the archive does not know, and will not.
 */
export class Doubts {
  /** How its records are counted, by ascending offset. */
  readonly modes: readonly ModeChange[];
  /** Those that records were passed over at. */
  readonly gaps: readonly MemoryGap[];
  /** Records that somebody could count, be it from the archive. */
  readonly countable: readonly SimulatedRecord[];
  /** Records that the stream could count. */
  readonly read: readonly SimulatedRecord[];
  /** Offsets of those that only the archive had. */
  readonly passedOver: ReadonlySet<bigint>;
  readonly #minutesMs: ReadonlySet<number>;
  readonly #hoursMs: ReadonlySet<number>;
  readonly #goneHoursMs: ReadonlySet<number>;
  readonly #minuteByEvent = new Map<string, number>();

  constructor(world: SimulatedWorld, partition: number) {
    const { records, checkpoints, archive, dirtyHours } = world;
    const own = records[partition] ?? [];
    const changes = checkpoints.modes.get(partition) ?? [];
    const gaps = checkpoints.gaps.filter((gap) => gap.partition === partition);
    const frontier = archive.frontier(partition);
    this.modes = changes.toSorted((a, b) => Number(a.offsetFrom - b.offsetFrom));
    this.gaps = gaps.filter((gap) => gap.uncountedFrom < gap.toOffset);
    const isIn = (offset: bigint, from: bigint, to: bigint) => offset >= from && offset < to;
    const passedOver = own.filter(({ offset }) => {
      return gaps.some((gap) => isIn(offset, gap.uncountedFrom, gap.toOffset));
    });
    const isGone = ({ offset }: SimulatedRecord) => {
      const isLost = gaps.some((gap) => isIn(offset, gap.fromOffset, gap.toOffset));
      return isLost && offset >= frontier;
    };
    this.passedOver = new Set(passedOver.map(({ offset }) => offset));
    this.read = own.filter(({ offset }) => !this.passedOver.has(offset));
    this.countable = own.filter((record) => {
      return !(this.passedOver.has(record.offset) && isGone(record));
    });
    const unsure = own.filter(({ offset }) => {
      return gaps.some((gap) => isIn(offset, gap.fromOffset, gap.unsureUntil ?? 0n));
    });
    this.#minutesMs = startsOf(own.filter(isGone), MINUTE_MS);
    this.#goneHoursMs = startsOf(own.filter(isGone), HOUR_MS);
    this.#hoursMs = new Set([...dirtyHours.openMs, ...startsOf(unsure, HOUR_MS)]);
    for (const { offset, events } of own) {
      for (const [index, { event_time: timeMs }] of events.entries()) {
        this.#minuteByEvent.set(`${offset}:${index}`, windowStartMs(timeMs, MINUTE_MS));
      }
    }
  }

  /** @param key `cube/value/minute`. */
  isCellSure(key: string): boolean {
    const minuteMs = Number(key.slice(key.lastIndexOf("/") + 1));
    return this.#isMinuteSure(minuteMs);
  }

  /** @param at `offset:index`. */
  isEventSure(at: string): boolean {
    const minuteMs = this.#minuteByEvent.get(at);
    return minuteMs !== undefined && this.#isMinuteSure(minuteMs);
  }

  isHourSure(hourMs: number): boolean {
    return !this.#hoursMs.has(hourMs) && !this.#goneHoursMs.has(hourMs);
  }

  #isMinuteSure(minuteMs: number): boolean {
    const hourMs = windowStartMs(minuteMs, HOUR_MS);
    return !this.#minutesMs.has(minuteMs) && !this.#hoursMs.has(hourMs);
  }
}
