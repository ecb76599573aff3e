import { HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import type { ModeChange } from "../domain/countingMode.ts";
import type { MemoryGap } from "../testing/memoryStores.ts";
import type { Written } from "./simulatedStores.ts";
import type { SimulatedRecord } from "./simulatedTraffic.ts";
import type { SimulatedWorld } from "./simulatedWorld.ts";
import { startsOf } from "./streamDoubts.ts";

/**
 * What of a partition nobody may expect to be right in the end, and no more than that:
 *
 * - hours that are marked and not counted again yet, while the archive is stuck;
 * - windows of which neither log nor archive has a record any more;
 * - hours behind a gap whose append times the archive does not know, and will not;
 * - rows that a deposed owner wrote last, of records from a change on that it did not know of, if
 *   it died before it was told that it is deposed.
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
  readonly #staleKeys: ReadonlySet<string>;
  readonly #partition: number;
  readonly #staleCells: ReadonlySet<string>;

  constructor(world: SimulatedWorld, partition: number) {
    const { records, checkpoints, archive, dirtyHours } = world;
    const own = records[partition] ?? [];
    const changes = checkpoints.modes.get(partition) ?? [];
    const gaps = checkpoints.gaps.filter((gap) => gap.partition === partition);
    const frontier = archive.frontier(partition);
    this.#partition = partition;
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
    this.#staleKeys = staleKeys(world, partition, changes);
    this.#staleCells = new Set(
      [...world.hotStore.cells]
        .filter(([key]) => key.endsWith(`/${partition}`) && this.#staleKeys.has(key))
        .map(([, cell]) => `${cell.cube}/${cell.dimensionValue}/${cell.windowStartMs}`),
    );
  }

  /** @param key `cube/value/minute`. */
  isCellSure(key: string): boolean {
    const minuteMs = Number(key.slice(key.lastIndexOf("/") + 1));
    return this.#isMinuteSure(minuteMs) && !this.#staleCells.has(key);
  }

  /** @param at `offset:index`. */
  isEventSure(at: string): boolean {
    const minuteMs = this.#minuteByEvent.get(at);
    const isStale = this.#staleKeys.has(`${this.#partition}:${at}`);
    return minuteMs !== undefined && this.#isMinuteSure(minuteMs) && !isStale;
  }

  isHourSure(hourMs: number): boolean {
    return !this.#hoursMs.has(hourMs) && !this.#goneHoursMs.has(hourMs);
  }

  #isMinuteSure(minuteMs: number): boolean {
    const hourMs = windowStartMs(minuteMs, HOUR_MS);
    return !this.#minutesMs.has(minuteMs) && !this.#hoursMs.has(hourMs);
  }
}

/** Keys of rows whose writer did not know how their records are counted, and never learned it. */
function staleKeys(
  { hotStore, dirtyHours }: SimulatedWorld,
  partition: number,
  changes: readonly ModeChange[],
): ReadonlySet<string> {
  const isStale = ({ offset, life, isDeposed }: Written) => {
    const isUnknowing = changes.some((to) => {
      return to.offsetFrom <= offset && !life.knownChanges.has(to.offsetFrom);
    });
    return life.partition === partition && isDeposed && isUnknowing && !life.isRefused;
  };
  const keys = [...hotStore.written].filter(([, row]) => isStale(row)).map(([key]) => key);
  return new Set(
    keys.filter((key) => {
      const row = hotStore.cells.get(key) ?? hotStore.rejects.get(key);
      if (row === undefined) return false;
      const timeMs = "windowStartMs" in row ? row.windowStartMs : row.eventTimeMs;
      // Counted again, it is right whatever was there.
      return !dirtyHours.markedMs.has(windowStartMs(timeMs, HOUR_MS));
    }),
  );
}
