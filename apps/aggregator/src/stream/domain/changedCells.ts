import { COUNT, type HandedCells } from "./cellTable.ts";
import { type CellRows, type CellTotals, CUBES } from "./cubes.ts";
import type { KnownCampaigns } from "./knownCampaigns.ts";
import type { OpenWindow } from "./openWindow.ts";

/** The windows with cells that were changed since they were last handed over, and by which record. */
export class ChangedCells {
  readonly #campaigns: KnownCampaigns;
  #windows: OpenWindow[] = [];
  /** Offsets of the records that changed any, in order. */
  #offsets: bigint[] = [];

  constructor(campaigns: KnownCampaigns) {
    this.#campaigns = campaigns;
  }

  /** What marks a cell as changed by the record at hand. */
  get record(): number {
    return this.#offsets.length;
  }

  /** Begins with another record of the log. */
  turnTo(offset: bigint): void {
    this.#offsets.push(offset);
  }

  /** Notes a window that had no changed cell, and has one now. */
  add(window: OpenWindow): void {
    this.#windows.push(window);
  }

  /** Hands over the cells as they are now. */
  take(): CellRows {
    const parts = this.#windows.map((window) => ({ window, cells: window.cells.takeChanges() }));
    const taken = new TakenCells(parts, this.#campaigns, this.#offsets);
    this.#windows = [];
    this.#offsets = [];
    return taken;
  }
}

interface TakenPart {
  readonly window: OpenWindow;
  readonly cells: HandedCells;
}

/**
 * Cells that were handed over. They are kept as words, and made into rows when they are asked for, one
 * by one: a flush has many, and rows that live until it is written are what the collector copies.
 */
class TakenCells implements CellRows {
  readonly length: number;
  readonly #parts: readonly TakenPart[];
  readonly #campaigns: KnownCampaigns;
  readonly #offsets: readonly bigint[];

  constructor(parts: readonly TakenPart[], campaigns: KnownCampaigns, offsets: readonly bigint[]) {
    this.length = parts.reduce((sum, { cells }) => sum + cells.length, 0);
    this.#parts = parts;
    this.#campaigns = campaigns;
    this.#offsets = offsets;
  }

  *[Symbol.iterator](): Generator<CellTotals> {
    for (const part of this.#parts) {
      for (let cell = 0; cell < part.cells.length; cell += 1) yield this.#totalsOf(part, cell);
    }
  }

  #totalsOf({ window, cells }: TakenPart, cell: number): CellTotals {
    const campaignCube = cells.campaignCube(cell);
    const { advertiserId, campaignId } = this.#campaigns.at(
      Math.floor(campaignCube / CUBES.length),
    );
    const cube = CUBES[campaignCube % CUBES.length];
    if (cube === undefined) throw new RangeError("No such cube");
    const givtClicks = cells.count(cell, COUNT.givtClicks);
    return {
      ...{ advertiserId, campaignId },
      cube: cube.name,
      dimensionValue: window.values.text(cells.value(cell)),
      windowStartMs: window.startMs,
      clicks: cells.count(cell, COUNT.clicks),
      invalidClicks: cells.count(cell, COUNT.invalidClicks) + givtClicks,
      givtClicks,
      duplicateClicks: cells.count(cell, COUNT.duplicateClicks),
      impressions: cells.count(cell, COUNT.impressions),
      conversions: cells.count(cell, COUNT.conversions),
      costMicros: cells.costMicros(cell),
      version: this.#offsets[cells.record(cell) - 1] ?? 0n,
    };
  }
}
