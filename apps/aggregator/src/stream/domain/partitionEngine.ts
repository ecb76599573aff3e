import { DAY_MS, HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import type { Verdict } from "@trueclick/shared/verdict";
import { BlockReader } from "./blockReader.ts";
import type { CampaignSnapshot } from "./campaigns.ts";
import { COUNT, type Raise } from "./cellTable.ts";
import { ChangedCells } from "./changedCells.ts";
import { CountingModes, LEVEL, type ModeChange } from "./countingMode.ts";
import { CUBES, countAt, NO_COUNT } from "./cubes.ts";
import type { EngineChanges } from "./engineChanges.ts";
import { ENTRIES_A_LINE, type EventGroup, type ReadLine, sharedEventGroup } from "./eventGroup.ts";
import type { EventSpans } from "./eventSpans.ts";
import { Evidence } from "./evidence.ts";
import { TEST_VERDICT } from "./flagSets.ts";
import { LATENESS_MAX_MS } from "./governor.ts";
import { CONFLICT, DUPLICATE, FIRST } from "./idSetLayout.ts";
import { halvedCostAt, type KnownCampaign, KnownCampaigns } from "./knownCampaigns.ts";
import { GROUP_LINES } from "./lineColumnsLayout.ts";
import type { OpenWindow } from "./openWindow.ts";
import { OpenWindows } from "./openWindows.ts";
import { NO_OUTCOMES, type OutcomeTotals } from "./outcomes.ts";
import { RecentUsers } from "./recentUsers.ts";

export const WINDOW_SIZE_MS = MINUTE_MS;

/**
 * How far an event time may lie from the append time to be taken for one. The edge holds events to
 * 5 minutes and 35 days of the ingest time; the rest is room for clocks and for the spool. Beyond,
 * a foreign producer wrote nonsense: one such event ahead would hold its window open for as long,
 * and with it the restart offset.
 */
export const AHEAD_MAX_MS = HOUR_MS;
const BEHIND_MAX_MS = 60 * DAY_MS;

/** Lines of a block that have coordinates; 16 bits of index. What lies beyond is one reject. */
const BLOCK_INDEX_MAX = 65_535;

/** One record of the log, as far as the engine looks at it. */
export interface LogBlock {
  readonly offset: bigint;
  readonly appendTimeMs: number;
  readonly value: Uint8Array;
}

/**
 * Where a partition stands. Everything is a function of the log up to `nextOffset`, so that it may
 * be committed again and again.
 */
export interface EngineCheckpoint {
  /** Offset of the next record to count. */
  readonly nextOffset: bigint;
  /** Lowest offset that an open window needs; `nextOffset` when none is open. */
  readonly restartOffset: bigint;
  /** Windows that end by then are closed, epoch milliseconds; null before the first record. */
  readonly watermarkMs: number | null;
  /** Highest append time seen, epoch milliseconds. */
  readonly appendTimeMs: number | null;
  readonly totals: OutcomeTotals;
}

export interface EngineOptions {
  readonly partition: number;
  readonly allowedLatenessMs: number;
  /**
   * Most ids and cells held in open windows. At the limit the oldest window is closed early: its
   * further events are late, with evidence. To stop reading instead would be for ever, since
   * nothing but reading moves the watermark. Only the log decides when, so a replay agrees.
   */
  readonly openEntriesMax: number;
  /** Secret words, drawn anew by each process: see `spanHash.ts`. No result depends on them. */
  readonly hashKey: Int32Array;
}

/**
 * Counts the events of one partition in tumbling minutes of event time.
 *
 * Deterministic: no clock and no I/O. The same log gives the same rows, wherever it was cut into
 * polls, flushes and lives of the process. Not safe to share between partitions.
 *
 * An event costs no object, but for evidence of what is not counted and cells on their way out.
 */
export class PartitionEngine {
  readonly #resumed: EngineCheckpoint;
  readonly #reader = new BlockReader();
  readonly #group: EventGroup;
  readonly #campaigns = new KnownCampaigns();
  readonly #windows: OpenWindows;
  readonly #modes: CountingModes;
  readonly #changed = new ChangedCells(this.#campaigns);
  readonly #evidence: Evidence;
  readonly #users = new RecentUsers();
  #nextOffset: bigint;
  #appendTimeMs: number;
  /** The place in the log of the event at hand. */
  #place = { offset: 0n, index: 0, appendTimeMs: 0 };
  /** What it adds to its cells; used again for every event. */
  readonly #raise: Raise = { count: 0, cost: null, record: 0 };
  /** Whether its effects were written before the last restart. */
  #settled = false;

  /**
   * @param resumed The last checkpoint. Admit the log from its `restartOffset` on.
   * @param modes How the log is counted from there on, as `CountingModes` wants them.
   */
  constructor(
    options: EngineOptions,
    resumed: EngineCheckpoint,
    modes: readonly ModeChange[] = [],
  ) {
    const { allowedLatenessMs } = options;
    this.#modes = new CountingModes({ level: LEVEL.whole, allowedLatenessMs }, modes);
    this.#resumed = resumed;
    this.#group = sharedEventGroup(options.hashKey);
    this.#windows = new OpenWindows({
      sizeMs: WINDOW_SIZE_MS,
      entriesMax: options.openEntriesMax,
      idGroup: this.#group.ids,
      watermarkMs: resumed.watermarkMs ?? Number.NEGATIVE_INFINITY,
    });
    this.#nextOffset = resumed.nextOffset;
    this.#appendTimeMs = resumed.appendTimeMs ?? Number.NEGATIVE_INFINITY;
    this.#evidence = new Evidence(options.partition, resumed.totals);
  }

  /** What is held: ids and cells of open windows, users that wait, and the bytes of all. */
  get held(): { readonly entries: number; readonly users: number; readonly bytes: number } {
    const { entries, byteLength } = this.#windows;
    return { entries, users: this.#users.size, bytes: byteLength + this.#users.byteLength };
  }

  /**
   * Counts one record. Offsets must ascend, from `restartOffset` on. What lies before the
   * checkpoint's next offset only rebuilds the open windows: its evidence is already written and
   * counted, and so are the closed windows.
   */
  admit(block: LogBlock, campaigns: CampaignSnapshot): void {
    const { offset, appendTimeMs } = block;
    this.#settled = offset < this.#resumed.nextOffset;
    this.#modes.turnTo(offset);
    this.#moveWatermark(appendTimeMs);

    this.#campaigns.turnTo(campaigns);
    this.#changed.turnTo(offset);
    this.#reader.open(block.value);
    this.#place = { offset, index: 0, appendTimeMs };
    while (!this.#reader.isAtEnd && this.#place.index <= BLOCK_INDEX_MAX) this.#admitGroup();
    if (!this.#settled) this.#nextOffset = offset + 1n;
  }

  /** Counts otherwise from the next record on. What depends on it is written after it is kept. */
  changeMode(change: ModeChange): void {
    this.#modes.add(change);
  }

  /** Hands over what must be written before the next checkpoint. Call between records only. */
  takeChanges(): EngineChanges {
    const users = this.#users.take();
    return { cells: this.#changed.take(), users, ...this.#evidence.take() };
  }

  /**
   * The state to commit once all changes are written, and to resume from after a crash.
   *
   * The watermark goes with the offsets: without it, a restart would open closed windows again and
   * overwrite their counts with the part of them that it re-reads.
   */
  checkpoint(): EngineCheckpoint {
    const { watermarkMs } = this.#windows;
    return {
      nextOffset: this.#nextOffset,
      restartOffset: this.#windows.restartOffset(this.#nextOffset),
      watermarkMs: Number.isFinite(watermarkMs) ? watermarkMs : null,
      appendTimeMs: Number.isFinite(this.#appendTimeMs) ? this.#appendTimeMs : null,
      totals: this.#evidence.totals,
    };
  }

  /**
   * A record moves the watermark before its own events are judged: none is its own excuse. Those
   * that only rebuild windows have moved it before, perhaps under another lateness.
   */
  #moveWatermark(appendTimeMs: number): void {
    if (this.#settled) return;
    this.#appendTimeMs = Math.max(this.#appendTimeMs, appendTimeMs);
    this.#windows.closeUntil(this.#appendTimeMs - this.#modes.mode.allowedLatenessMs);
  }

  /** Reads some lines ahead, no more than fit without closing a window, and counts them in order. */
  #admitGroup(): void {
    const group = this.#group;
    const { offset, index, appendTimeMs } = this.#place;
    const hasRoom = this.#windows.hasRoomFor(GROUP_LINES * ENTRIES_A_LINE);
    const lines = Math.min(hasRoom ? GROUP_LINES : 1, BLOCK_INDEX_MAX + 1 - index);
    group.read(this.#reader, lines);
    for (let at = 0; at < group.size; at += 1) {
      const line = group.at(at);
      const { spans, hashes } = line;
      line.isEvent &&= index + at < BLOCK_INDEX_MAX && isTimely(spans.eventTimeMs, appendTimeMs);
      line.window = line.isEvent ? this.#windows.windowFor(spans.eventTimeMs, offset) : null;
      line.campaign = line.isEvent
        ? this.#campaigns.knownAt(spans, hashes.campaign, appendTimeMs)
        : null;
    }
    group.admitIds();
    const cubes = this.#cubesCounted();
    group.lookAhead(cubes);
    for (let at = 0; at < group.size; at += 1) {
      const line = group.at(at);
      if (line.isEvent) this.#admitEvent(line, at, cubes);
      else if (!this.#settled) this.#evidence.rejectUnparseable(this.#place);
      this.#place.index += 1;
    }
  }

  #admitEvent(line: ReadLine, at: number, cubes: number): void {
    const { window, campaign, spans } = line;
    if (window === null) {
      if (!this.#settled) this.#rejectLate(spans, campaign);
      return;
    }

    const copy = this.#group.ids.answers[at] ?? FIRST;
    const verdict = verdictOf(line, copy);
    const cellsBefore = window.cells.size;
    if (campaign !== null) this.#count(line, window, campaign, verdict, at, cubes);
    this.#windows.grew(window.cells.size - cellsBefore + (copy === FIRST ? 1 : 0));

    if (this.#settled) return;
    if (verdict === "valid") this.#evidence.counted();
    else this.#evidence.reject(verdict, spans, this.#place, campaign);
  }

  #rejectLate(spans: EventSpans, campaign: KnownCampaign | null): void {
    const endMs = spans.eventTimeMs + WINDOW_SIZE_MS;
    if (endMs > this.#appendTimeMs - LATENESS_MAX_MS) this.#evidence.rescuable();
    this.#evidence.reject("late", spans, this.#place, campaign);
  }

  /** All, or the first alone; then the hours are noted, to be counted again later. */
  #cubesCounted(): number {
    return this.#modes.mode.level < LEVEL.adsOnly ? CUBES.length : 1;
  }

  /** Takes the user of a valid click, or else notes the hour. Settled ones are written already. */
  #noteUser(spans: EventSpans, campaign: KnownCampaign): void {
    if (this.#settled) return;
    if (this.#modes.mode.level < LEVEL.withoutUniques) this.#users.add(spans, campaign);
    else this.#evidence.degraded(spans.eventTimeMs);
  }

  /** Raises the event's count in its cell of every cube. */
  #count(
    { spans }: ReadLine,
    window: OpenWindow,
    campaign: KnownCampaign,
    verdict: Verdict,
    line: number,
    cubes: number,
  ): void {
    const { cells } = window;
    const count = countAt(spans.eventType, spans.test, verdict);
    if (count === NO_COUNT) return;
    if (count === COUNT.clicks) this.#noteUser(spans, campaign);
    const raise = this.#raise;
    raise.count = count;
    raise.cost =
      count === COUNT.clicks
        ? halvedCostAt(campaign, spans.eventTimeMs, this.#place.appendTimeMs)
        : null;
    raise.record = this.#settled ? 0 : this.#changed.record;
    if (cubes < CUBES.length && !this.#settled) this.#evidence.degraded(spans.eventTimeMs);
    const changesBefore = cells.changes;
    this.#group.raise(line, cubes, window, raise);
    if (changesBefore === 0 && cells.changes > 0) this.#changed.add(window);
  }
}

/** Whether the event time is one. */
function isTimely(eventTimeMs: number, appendTimeMs: number): boolean {
  return eventTimeMs <= appendTimeMs + AHEAD_MAX_MS && eventTimeMs >= appendTimeMs - BEHIND_MAX_MS;
}

function verdictOf({ spans, campaign }: ReadLine, copy: number): Verdict {
  if (copy === DUPLICATE) return "duplicate";
  if (copy === CONFLICT) return "id_conflict";
  if (spans.test) return TEST_VERDICT;
  return campaign === null ? spans.flagSet.ofUnknownCampaign : spans.flagSet.ofKnownCampaign;
}

/** Where a partition that was never read before starts. */
export function initialCheckpoint(startOffset: bigint): EngineCheckpoint {
  return {
    nextOffset: startOffset,
    restartOffset: startOffset,
    watermarkMs: null,
    appendTimeMs: null,
    totals: NO_OUTCOMES,
  };
}
