import { COUNT } from "./cellTable.ts";
import { type CellTotals, CUBES } from "./cubes.ts";
import type { KnownCampaign } from "./knownCampaigns.ts";
import type { OpenWindow } from "./openWindow.ts";

/** The cells that were changed since they were last handed over, and by which record. */
export class ChangedCells {
  #windows: OpenWindow[] = [];
  #cells: number[] = [];
  #campaigns: KnownCampaign[] = [];
  /** Offsets of the records that changed any, in order. */
  #offsets: bigint[] = [];

  /** Begins with another record of the log. */
  turnTo(offset: bigint): void {
    this.#offsets.push(offset);
  }

  /** Notes that the record has changed a cell. */
  add(window: OpenWindow, cell: number, campaign: KnownCampaign): void {
    if (!window.cells.markChanged(cell, this.#offsets.length)) return;
    this.#windows.push(window);
    this.#cells.push(cell);
    this.#campaigns.push(campaign);
  }

  /** Hands over the cells as they are now, in the order of their first change. */
  take(): CellTotals[] {
    const totals = this.#cells.map((cell, at) => this.#totalsOf(cell, at));
    this.#windows = [];
    this.#cells = [];
    this.#campaigns = [];
    this.#offsets = [];
    return totals;
  }

  #totalsOf(cell: number, at: number): CellTotals {
    const window = this.#windows[at];
    const campaign = this.#campaigns[at];
    if (window === undefined || campaign === undefined) throw new RangeError(`No change ${at}`);
    const { cells, values, startMs } = window;
    const cube = CUBES[cells.campaignCube(cell) % CUBES.length];
    if (cube === undefined) throw new RangeError("No such cube");
    return {
      advertiserId: campaign.advertiserId,
      campaignId: campaign.campaignId,
      cube: cube.name,
      dimensionValue: values.text(cells.value(cell)),
      windowStartMs: startMs,
      clicks: cells.count(cell, COUNT.clicks),
      invalidClicks: cells.count(cell, COUNT.invalidClicks),
      duplicateClicks: cells.count(cell, COUNT.duplicateClicks),
      impressions: cells.count(cell, COUNT.impressions),
      conversions: cells.count(cell, COUNT.conversions),
      costMicros: cells.costMicros(cell),
      version: this.#offsets[cells.takeChange(cell) - 1] ?? 0n,
    };
  }
}
