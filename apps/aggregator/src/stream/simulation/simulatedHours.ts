import { HOUR_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import type { Correction } from "../../backfill/domain/corrections.ts";
import { type SpanTotals, toSpans } from "../../backfill/domain/spans.ts";
import type { DirtyHour, DirtyHours } from "../../backfill/ports/dirtyHours.ts";
import type { HotHours } from "../../backfill/ports/hotHours.ts";
import type { Rollups } from "../../backfill/ports/rollups.ts";
import type { CellTotals } from "../domain/cubes.ts";
import type { StreamReject } from "../domain/outcomes.ts";
import { type MemoryHotStore, type MemoryMark, rejectKey } from "../testing/memoryStores.ts";
import type { SimulatedArchive } from "./simulatedArchive.ts";
import type { SimulatedCheckpointStore } from "./simulatedStores.ts";

/** No record has a higher offset; what a backfill has counted has a higher version. */
const END_OF_LOG = 2n ** 61n;

/** Hours and evidence put right, over the minutes and the evidence of a hot store. */
export class SimulatedHotHours implements HotHours {
  /** By the keys of rejects. */
  readonly corrections = new Map<string, Correction>();
  /** Of two counts the greater, by partition and cell. */
  readonly spans = new Map<string, SpanTotals>();
  readonly #hotStore: MemoryHotStore;

  constructor(hotStore: MemoryHotStore) {
    this.#hotStore = hotStore;
  }

  async rejects(
    ...[partition, { fromMs, toMs }, nextOffset]: Parameters<HotHours["rejects"]>
  ): Promise<StreamReject[]> {
    return [...this.#hotStore.rejects.values()].filter((reject) => {
      const isOfRange = reject.eventTimeMs >= fromMs && reject.eventTimeMs < toMs;
      const isRead = reject.partition === partition && reject.offset < nextOffset;
      return isOfRange && isRead && reject.reason !== "unparseable";
    });
  }

  async streamCells(
    ...[partition, { fromMs, toMs }]: Parameters<HotHours["streamCells"]>
  ): Promise<CellTotals[]> {
    const own = [...this.#hotStore.cells].filter(([key]) => key.endsWith(`/${partition}`));
    const cells = own.map(([, cell]) => cell);
    return cells.filter(({ windowStartMs: startMs, version }) => {
      return startMs >= fromMs && startMs < toMs && version < END_OF_LOG;
    });
  }

  async writeCorrections(corrections: readonly Correction[]): Promise<void> {
    for (const { reason, ...correction } of corrections) {
      const key = rejectKey({ ...correction, reason: "late" });
      this.corrections.set(key, { ...correction, reason });
    }
  }

  async writeSpans(partition: number, spans: readonly SpanTotals[]): Promise<void> {
    for (const span of spans) {
      const { cube, dimensionValue, spanStartMs } = span;
      const key = `${partition}/${cube}/${dimensionValue}/${spanStartMs}`;
      this.spans.set(key, greatest(this.spans.get(key) ?? span, span));
    }
  }

  async oldestHourMs(): Promise<number | null> {
    const times = [...this.#hotStore.cells.values()].map((cell) => cell.windowStartMs);
    return times.length === 0 ? null : windowStartMs(Math.min(...times), HOUR_MS);
  }

  async rollUp(...[{ fromMs, toMs }, quarters]: Parameters<HotHours["rollUp"]>): Promise<void> {
    const cells = [...this.#hotStore.cells].filter(([, { windowStartMs: startMs }]) => {
      return startMs >= fromMs && startMs < toMs;
    });
    const ofPartitions = Map.groupBy(cells, ([key]) => Number(key.slice(key.lastIndexOf("/") + 1)));
    for (const [partition, own] of ofPartitions) {
      const totals = own.map(([, cell]) => cell);
      await this.writeSpans(partition, toSpans(totals, quarters));
    }
  }
}

function greatest(one: SpanTotals, other: SpanTotals): SpanTotals {
  return {
    ...one,
    clicks: Math.max(one.clicks, other.clicks),
    invalidClicks: Math.max(one.invalidClicks, other.invalidClicks),
    duplicateClicks: Math.max(one.duplicateClicks, other.duplicateClicks),
    impressions: Math.max(one.impressions, other.impressions),
    conversions: Math.max(one.conversions, other.conversions),
    costMicros: one.costMicros > other.costMicros ? one.costMicros : other.costMicros,
  };
}

/** One hour of a mark. */
interface HourMark {
  readonly hourMs: number;
  readonly cause: MemoryMark["cause"];
  readonly at: number;
}

/** Which marks are healed. A mark is known by its place among all, which is its time, too. */
export class SimulatedDirtyHours implements DirtyHours {
  readonly #checkpoints: SimulatedCheckpointStore;
  readonly #archive: SimulatedArchive;
  /** Marks before are healed, by `hour/cause`. */
  readonly #healedTo = new Map<string, number>();
  /** The open ones, when there were so many marks. */
  #opened: { readonly length: number; readonly marks: readonly HourMark[] } | null = null;

  constructor(checkpoints: SimulatedCheckpointStore, archive: SimulatedArchive) {
    this.#checkpoints = checkpoints;
    this.#archive = archive;
  }

  /** Hours that were marked, whether or not they are healed. */
  get markedMs(): ReadonlySet<number> {
    return new Set(this.#checkpoints.marks.flatMap(({ hoursMs }) => hoursMs));
  }

  get openMs(): ReadonlySet<number> {
    return new Set(this.#open().map(({ hourMs }) => hourMs));
  }

  /** As `RollupState.brokenMs`. */
  get brokenMs(): number | null {
    if (this.#checkpoints.gaps.some(({ unsureUntil }) => unsureUntil !== null)) return 0;
    const lost = this.#open().filter(({ cause }) => cause === "expired");
    return lost.length === 0 ? null : Math.min(...lost.map(({ hourMs }) => hourMs));
  }

  async settleGaps(): Promise<void> {
    for (const gap of this.#checkpoints.gaps) {
      const { partition, fromOffset, unsureUntil } = gap;
      if (unsureUntil === null || this.#archive.frontier(partition) < unsureUntil) continue;
      const { hoursMs } = this.#archive.stretchOf(partition, fromOffset, unsureUntil);
      this.#checkpoints.mark({ partition, cause: "expired", hoursMs });
      gap.unsureUntil = null;
    }
  }

  async open(_restMs: number, failedMs: readonly number[]): Promise<DirtyHour[]> {
    const bounds = [...this.#checkpoints.rows].map(([partition, { checkpoint }]) => {
      const { nextOffset, watermarkMs } = checkpoint;
      return { partition, nextOffset, watermarkMs };
    });
    const hours = Map.groupBy(this.#open(), ({ hourMs }) => hourMs);
    const isFailed = (hourMs: number) => Number(failedMs.includes(hourMs));
    const inTurn = [...hours].toSorted(([one], [other]) => isFailed(one) - isFailed(other));
    return inTurn.map(([hourMs, marks]) => ({
      hourMs,
      causes: [...new Set(marks.map(({ cause }) => cause))],
      seenAt: String(Math.max(...marks.map(({ at }) => at))),
      bounds,
    }));
  }

  async archiveFrontier(): Promise<Map<number, bigint>> {
    const partitions = [...this.#checkpoints.rows.keys()];
    return new Map(partitions.map((partition) => [partition, this.#archive.frontier(partition)]));
  }

  /** For readers that look while an hour is counted again; nobody reads then here. */
  async recounting(): Promise<void> {}

  async healed({ hourMs, seenAt }: DirtyHour): Promise<void> {
    for (const mark of this.#marks()) {
      if (mark.hourMs !== hourMs || mark.at > Number(seenAt)) continue;
      const key = `${hourMs}/${mark.cause}`;
      this.#healedTo.set(key, Math.max(this.#healedTo.get(key) ?? 0, mark.at + 1));
    }
    this.#opened = null;
  }

  #marks(): HourMark[] {
    return this.#checkpoints.marks.flatMap(({ cause, hoursMs }, at) => {
      return hoursMs.map((hourMs) => ({ hourMs, cause, at }));
    });
  }

  /** Asked for at every turn, and mostly as it was. */
  #open(): readonly HourMark[] {
    const { length } = this.#checkpoints.marks;
    if (this.#opened !== null && this.#opened.length === length) return this.#opened.marks;
    const marks = this.#marks().filter(({ hourMs, cause, at }) => {
      return at >= (this.#healedTo.get(`${hourMs}/${cause}`) ?? 0);
    });
    this.#opened = { length, marks };
    return marks;
  }
}

/** How far hours are rolled up, by a clock that the simulation turns. */
export class SimulatedRollups implements Rollups {
  nowMs: number;
  readonly #checkpoints: SimulatedCheckpointStore;
  readonly #dirtyHours: SimulatedDirtyHours;
  readonly #quarters: ReadonlySet<string>;
  #rolledThroughMs: number | null = null;

  constructor(
    checkpoints: SimulatedCheckpointStore,
    dirtyHours: SimulatedDirtyHours,
    quarters: ReadonlySet<string>,
    nowMs: number,
  ) {
    this.#checkpoints = checkpoints;
    this.#dirtyHours = dirtyHours;
    this.#quarters = quarters;
    this.nowMs = nowMs;
  }

  get rolledThroughMs(): number {
    return this.#rolledThroughMs ?? Number.NEGATIVE_INFINITY;
  }

  async state() {
    const rows = [...this.#checkpoints.rows];
    const partitions = new Map(rows.map(([partition, { checkpoint }]) => [partition, checkpoint]));
    const brokenMs = this.#dirtyHours.brokenMs;
    return { rolledThroughMs: this.#rolledThroughMs, nowMs: this.nowMs, brokenMs, partitions };
  }

  async advance(rolledThroughMs: number): Promise<void> {
    this.#rolledThroughMs = Math.max(this.#rolledThroughMs ?? rolledThroughMs, rolledThroughMs);
  }

  async quarterAdvertisers(): Promise<ReadonlySet<string>> {
    return this.#quarters;
  }
}
