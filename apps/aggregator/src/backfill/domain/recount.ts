import { DAY_MS } from "@trueclick/shared/time";
import type { CampaignSnapshot } from "../../stream/domain/campaigns.ts";
import type { CellTotals, HourlyTotals } from "../../stream/domain/cubes.ts";
import type { HourUsers } from "../../stream/domain/hourUsers.ts";
import type { StreamReject } from "../../stream/domain/outcomes.ts";
import {
  type EngineOptions,
  initialCheckpoint,
  type LogBlock,
  PartitionEngine,
} from "../../stream/domain/partitionEngine.ts";

/** A record of the log as far as the archive holds it under one hour. */
export interface ArchivedBlock extends LogBlock {
  /** The places in the record of the lines in `value`, in their order. */
  readonly indexes: readonly number[];
}

/** What one stretch of one partition comes to when no event is late. */
export interface Recount {
  readonly cells: readonly CellTotals[];
  readonly users: readonly HourUsers[];
  readonly rejects: readonly StreamReject[];
  readonly events: number;
}

/** Longer than an event may lie behind its append time: nothing is late. */
const ALLOWED_LATENESS_MS = 62 * DAY_MS;

/**
 * A version past every one that the stream gives: what a backfill counts includes all that the
 * stream did, so it wins, and so do its rows over those of any replay of the stream.
 */
export const BACKFILL_VERSION = 2n ** 62n;

export type RecountOptions = Omit<EngineOptions, "allowedLatenessMs" | "openEntriesMax">;

/**
 * Counts archived records by the stream's own rules, with late events in. Of one record's lines
 * only those of closed windows may come, so that the stream adds nothing to them any more.
 */
export class PartitionRecount {
  readonly #engine: PartitionEngine;
  /** Where the lines of a record lie that did not come whole. */
  readonly #indexes = new Map<bigint, readonly number[]>();
  #events = 0;

  constructor(options: RecountOptions) {
    const all = { allowedLatenessMs: ALLOWED_LATENESS_MS, openEntriesMax: Number.MAX_SAFE_INTEGER };
    this.#engine = new PartitionEngine({ ...options, ...all }, initialCheckpoint(0n));
  }

  admit(block: ArchivedBlock, campaigns: CampaignSnapshot): void {
    const isWhole = block.indexes.every((index, place) => index === place);
    if (!isWhole) this.#indexes.set(block.offset, block.indexes);
    this.#engine.admit(block, campaigns);
    this.#events += block.indexes.length;
  }

  finish(): Recount {
    const { cells, users, rejects } = this.#engine.takeChanges();
    return {
      cells: Array.from(cells, (cell) => ({
        ...cell,
        version: cell.version + BACKFILL_VERSION,
      })),
      users,
      rejects: rejects.map((reject) => ({ ...reject, index: this.#indexOf(reject) })),
      events: this.#events,
    };
  }

  #indexOf({ offset, index }: StreamReject): number {
    return this.#indexes.get(offset)?.[index] ?? index;
  }
}

/**
 * What the stream has counted where a recount finds nothing to count, as nothing. Of a log that has
 * lost the first of two events with one id, the stream counts the second, which may say something
 * else.
 */
export function uncounted(
  counted: readonly HourlyTotals[],
  recounted: readonly CellTotals[],
): CellTotals[] {
  const keys = new Set(recounted.map(keyOf));
  return counted
    .filter((cell) => !keys.has(keyOf(cell)))
    .map((cell) => ({ ...cell, ...NOTHING, version: BACKFILL_VERSION }));
}

function keyOf({ advertiserId, cube, campaignId, windowStartMs, dimensionValue }: HourlyTotals) {
  return JSON.stringify([advertiserId, cube, campaignId, windowStartMs, dimensionValue]);
}

const NOTHING = {
  clicks: 0,
  invalidClicks: 0,
  givtClicks: 0,
  duplicateClicks: 0,
  impressions: 0,
  conversions: 0,
  costMicros: 0n,
};
