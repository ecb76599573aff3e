import { type BlockReader, LINE } from "./blockReader.ts";
import { type CellKeys, NO_CELL } from "./cellTable.ts";
import { CUBES } from "./cubes.ts";
import { EventHashes } from "./eventHashes.ts";
import { EventSpans } from "./eventSpans.ts";
import type { KnownCampaign } from "./knownCampaigns.ts";
import type { OpenWindow } from "./openWindow.ts";
import { SpanHash } from "./spanHash.ts";

/** Lines that are read before the first of them is counted. */
export const GROUP_LINES = 32;

/** Ids and cells that a line adds, at most. */
export const ENTRIES_A_LINE = 1 + CUBES.length;

/** A line that was read ahead. Used again by every group. */
export class ReadLine {
  isEvent = false;
  readonly spans = new EventSpans();
  readonly hashes: EventHashes;
  /** Null when it is closed, and the event late. */
  window: OpenWindow | null = null;
  campaign: KnownCampaign | null = null;

  constructor(key: Int32Array, spanHash: SpanHash) {
    this.hashes = new EventHashes(key, spanHash);
  }
}

/**
 * Some lines of a block, read and hashed before any of them is counted. What counting them will look
 * at in tables that are larger than the caches is looked at for all of them first, so that the
 * processor waits for memory once a group rather than at every event. Nothing is changed by looking,
 * and what was seen is asked for again when it is counted: no result depends on it.
 */
export class EventGroup {
  readonly #lines: readonly ReadLine[];
  /** How many of the lines are of this group. */
  size = 0;
  /** Keys and cells of the events, `CUBES.length` a line. */
  readonly #keys: CellKeys = {
    campaignCubes: new Int32Array(GROUP_LINES * CUBES.length),
    values: new Int32Array(GROUP_LINES * CUBES.length),
    cells: new Int32Array(GROUP_LINES * CUBES.length),
  };
  readonly #idSlots = new Int32Array(GROUP_LINES);

  constructor(key: Int32Array) {
    const spanHash = new SpanHash(key);
    this.#lines = Array.from({ length: GROUP_LINES }, () => new ReadLine(key, spanHash));
  }

  /** Reads lines until there are so many that are not empty, or no more. */
  read(reader: BlockReader, linesMax: number): void {
    this.size = 0;
    while (this.size < linesMax && !reader.isAtEnd) {
      const line = this.at(this.size);
      reader.readInto(line.spans);
      const kind = reader.next();
      if (kind === LINE.empty) continue;
      line.isEvent = kind === LINE.event;
      if (line.isEvent) line.hashes.take(line.spans);
      this.size += 1;
    }
  }

  at(line: number): ReadLine {
    return this.#lines[line] ?? noLine();
  }

  /** Looks for the ids and for the first cubes' cells of all events that may be counted. */
  lookAhead(cubes: number): void {
    this.#internValues(cubes);
    this.#lookForIds();
    const { size } = this;
    const keys = this.#keys;
    for (let at = 0; at < size; at += 1) {
      const from = at * CUBES.length;
      this.at(at).window?.cells.lookAtSlots(keys, from, from + cubes);
    }
    for (let at = 0; at < size; at += 1) {
      const from = at * CUBES.length;
      this.at(at).window?.cells.lookAtRows(keys, from, from + cubes);
    }
  }

  /** The cell of a line in a cube; opened when it is new. */
  cellAt(line: number, cube: number, window: OpenWindow): number {
    const at = line * CUBES.length + cube;
    const { campaignCubes, values, cells } = this.#keys;
    const cell = cells[at] ?? NO_CELL;
    if (cell !== NO_CELL) return cell;
    return window.cells.cellAt(campaignCubes[at] ?? 0, values[at] ?? 0);
  }

  #internValues(cubes: number): void {
    const { size } = this;
    const { campaignCubes, values } = this.#keys;
    for (let at = 0; at < size; at += 1) {
      const { window, campaign, hashes, spans } = this.at(at);
      // What the keys say of other lines is of events before, and asked by nobody.
      if (window === null || campaign === null) continue;
      const from = at * CUBES.length;
      for (let cube = 0; cube < cubes; cube += 1) {
        campaignCubes[from + cube] = campaign.index * CUBES.length + cube;
        values[from + cube] = window.values.intern(spans.view, hashes.cubes[cube] ?? hashes.ad);
      }
    }
  }

  #lookForIds(): void {
    const { size } = this;
    const slots = this.#idSlots;
    for (let at = 0; at < size; at += 1) {
      const { window, hashes } = this.at(at);
      slots[at] = window === null ? 0 : window.ids.lookAtSlot(hashes.id.word0);
    }
    for (let at = 0; at < size; at += 1) {
      const { window, hashes } = this.at(at);
      const { word0, word1 } = hashes.id;
      // Kept, since a look whose answer goes nowhere is optimised away.
      if (window !== null) slots[at] = window.ids.lookAtLog(word0, word1, slots[at] ?? 0);
    }
  }
}

function noLine(): never {
  throw new RangeError("A group has no such line");
}
