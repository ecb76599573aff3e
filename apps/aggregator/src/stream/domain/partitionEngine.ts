import { blockLines } from "@trueclick/shared/event/block";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { quickVerdict } from "@trueclick/shared/verdict";
import { windowStartMs } from "@trueclick/shared/window";
import {
  type Campaign,
  type CampaignSnapshot,
  campaignKnownAt,
  costMicrosAt,
} from "./campaigns.ts";
import { type CellTotals, countOf, type OpenCell } from "./cubes.ts";
import { OpenWindow } from "./openWindow.ts";
import {
  NO_OUTCOMES,
  type Outcome,
  type OutcomeTotals,
  type StreamReject,
  totalOf,
} from "./outcomes.ts";
import { parseStreamEvent, type StreamEvent } from "./streamEvent.ts";

export const WINDOW_SIZE_MS = MINUTE_MS;

/**
 * How far an event time may lie from the append time to be taken for one. The edge holds events to
 * 5 minutes and 35 days of the ingest time; the rest is room for clocks and for the spool. Beyond,
 * a foreign producer wrote nonsense: one such event ahead would hold its window open for as long,
 * and with it the restart offset.
 */
const AHEAD_MAX_MS = HOUR_MS;
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

/** What has changed since it was last asked. */
export interface EngineChanges {
  readonly cells: readonly CellTotals[];
  readonly rejects: readonly StreamReject[];
  readonly outcomes: ReadonlyMap<Outcome, number>;
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
}

/** The place of an event in the log. `settled`: its effects were written before the last restart. */
interface Place {
  readonly offset: bigint;
  readonly index: number;
  readonly appendTimeMs: number;
  readonly settled: boolean;
}

/**
 * Counts the events of one partition in tumbling minutes of event time.
 *
 * Deterministic: no clock and no I/O. The same log gives the same rows, wherever it was cut into
 * polls, flushes and lives of the process. Not safe to share between partitions.
 */
export class PartitionEngine {
  readonly #options: EngineOptions;
  readonly #resumed: EngineCheckpoint;
  readonly #open = new Map<number, OpenWindow>();
  readonly #totals: { -readonly [Kind in keyof OutcomeTotals]: number };
  #nextOffset: bigint;
  #watermarkMs: number;
  #appendTimeMs: number;
  #entries = 0;
  #changed = new Set<OpenCell>();
  #rejects: StreamReject[] = [];
  #outcomes = new Map<Outcome, number>();

  /** @param resumed The last checkpoint. Admit the log from its `restartOffset` on. */
  constructor(options: EngineOptions, resumed: EngineCheckpoint) {
    this.#options = options;
    this.#resumed = resumed;
    this.#nextOffset = resumed.nextOffset;
    this.#watermarkMs = resumed.watermarkMs ?? Number.NEGATIVE_INFINITY;
    this.#appendTimeMs = resumed.appendTimeMs ?? Number.NEGATIVE_INFINITY;
    this.#totals = { ...resumed.totals };
  }

  /**
   * Takes in the next record. One from before the checkpoint only rebuilds the windows that were
   * open there: what it led to is already written and counted, and so are the closed windows.
   */
  admit(block: LogBlock, campaigns: CampaignSnapshot): void {
    const { offset, appendTimeMs } = block;
    // The record moves the watermark before its own events are judged: none is its own excuse.
    this.#appendTimeMs = Math.max(this.#appendTimeMs, appendTimeMs);
    this.#closeUntil(this.#appendTimeMs - this.#options.allowedLatenessMs);

    const settled = offset < this.#resumed.nextOffset;
    for (const [index, line] of blockLines(block.value).entries()) {
      const place = { offset, index, appendTimeMs, settled };
      const event = index < BLOCK_INDEX_MAX ? parseStreamEvent(line) : null;
      if (event === null || !isPlausible(event.eventTimeMs, appendTimeMs)) {
        this.#rejectUnparseable(place);
      } else {
        this.#admitEvent(event, place, campaignKnownAt(campaigns, event.campaignId, appendTimeMs));
      }
      if (index >= BLOCK_INDEX_MAX) break;
    }
    if (!settled) this.#nextOffset = offset + 1n;
  }

  /** Hands over what must be written before the next checkpoint. Call between records only. */
  takeChanges(): EngineChanges {
    const cells = Array.from(this.#changed, (cell) => ({ ...cell }));
    const changes = { cells, rejects: this.#rejects, outcomes: this.#outcomes };
    this.#changed = new Set();
    this.#rejects = [];
    this.#outcomes = new Map();
    return changes;
  }

  /**
   * The state to commit once all changes are written, and to resume from after a crash.
   *
   * The watermark goes with the offsets: without it, a restart would open closed windows again and
   * overwrite their counts with the part of them that it re-reads.
   */
  checkpoint(): EngineCheckpoint {
    let restartOffset = this.#nextOffset;
    for (const { firstOffset } of this.#open.values()) {
      if (firstOffset < restartOffset) restartOffset = firstOffset;
    }
    return {
      nextOffset: this.#nextOffset,
      restartOffset,
      watermarkMs: Number.isFinite(this.#watermarkMs) ? this.#watermarkMs : null,
      appendTimeMs: Number.isFinite(this.#appendTimeMs) ? this.#appendTimeMs : null,
      totals: { ...this.#totals },
    };
  }

  #admitEvent(event: StreamEvent, place: Place, campaign: Campaign | null): void {
    const startMs = windowStartMs(event.eventTimeMs, WINDOW_SIZE_MS);
    this.#makeRoom();
    if (startMs + WINDOW_SIZE_MS <= this.#watermarkMs) {
      this.#reject("late", event, place, campaign);
      return;
    }

    const window = this.#windowAt(startMs, place.offset);
    const entriesBefore = window.entries;
    const copy = window.admitId(event);
    const facts = { test: event.test, campaignKnown: campaign !== null, flags: event.flags };
    const verdict = copy === "first" ? quickVerdict(facts) : copy;
    const count = countOf(event, verdict);
    if (campaign !== null && count !== null) {
      const paid = count === "clicks";
      const costMicros = paid ? costMicrosAt(campaign, event.eventTimeMs, place.appendTimeMs) : 0n;
      for (const cell of window.cellsOf(event, campaign.advertiserId)) {
        cell[count] += 1;
        cell.costMicros += costMicros;
        cell.version = place.offset;
        if (!place.settled) this.#changed.add(cell);
      }
    }
    this.#entries += window.entries - entriesBefore;

    if (verdict === "valid") this.#record("counted", place);
    else this.#reject(verdict, event, place, campaign);
  }

  #windowAt(startMs: number, firstOffset: bigint): OpenWindow {
    const found = this.#open.get(startMs);
    if (found !== undefined) return found;
    const window = new OpenWindow({ startMs, sizeMs: WINDOW_SIZE_MS, firstOffset });
    this.#open.set(startMs, window);
    return window;
  }

  /** Moves the watermark, never back, and lets go of the windows that it closes. */
  #closeUntil(watermarkMs: number): void {
    this.#watermarkMs = Math.max(this.#watermarkMs, watermarkMs);
    for (const [startMs, window] of this.#open) {
      if (window.endMs > this.#watermarkMs) continue;
      this.#open.delete(startMs);
      this.#entries -= window.entries;
    }
  }

  /**
   * Keeps to the limit. Never needed while a checkpoint's windows are rebuilt: they are some of
   * those that fitted then.
   */
  #makeRoom(): void {
    while (this.#entries >= this.#options.openEntriesMax && this.#open.size > 0) {
      const oldestStartMs = Math.min(...this.#open.keys());
      this.#closeUntil(oldestStartMs + WINDOW_SIZE_MS);
    }
  }

  #rejectUnparseable(place: Place): void {
    const { settled, ...at } = place;
    if (settled) return;
    const nobody = { advertiserId: "", campaignId: "", eventId: "", eventType: "" } as const;
    const { partition } = this.#options;
    const eventTimeMs = at.appendTimeMs;
    this.#rejects.push({ ...nobody, ...at, partition, eventTimeMs, reason: "unparseable" });
    this.#record("unparseable", place);
  }

  #reject(
    reason: StreamReject["reason"],
    event: StreamEvent,
    place: Place,
    campaign: Campaign | null,
  ): void {
    const { settled, ...at } = place;
    if (settled) return;
    const { eventId, eventType, eventTimeMs, campaignId } = event;
    const advertiserId = campaign?.advertiserId ?? "";
    const { partition } = this.#options;
    const what = { advertiserId, campaignId, eventId, eventType, eventTimeMs };
    this.#rejects.push({ ...what, ...at, partition, reason });
    this.#record(reason, place);
  }

  #record(outcome: Outcome, { settled }: Place): void {
    if (settled) return;
    this.#totals[totalOf(outcome)] += 1;
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
  }
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

function isPlausible(eventTimeMs: number, appendTimeMs: number): boolean {
  return eventTimeMs <= appendTimeMs + AHEAD_MAX_MS && eventTimeMs >= appendTimeMs - BEHIND_MAX_MS;
}
