import { CellTable } from "./cellTable.ts";
import { IdSet } from "./idSet.ts";
import type { IdStore } from "./idStore.ts";
import type { Interner } from "./interner.ts";

/** One minute of event time that still takes events: the ids it has seen and its cells so far. */
export class OpenWindow {
  readonly startMs: number;
  readonly endMs: number;
  /** The first record that has an event here: to rebuild the window, read from there. */
  readonly firstOffset: bigint;
  /** What the dimension values of its cells stand for. */
  readonly values: Interner;
  readonly ids: IdSet;
  readonly cells = new CellTable();

  constructor(window: {
    readonly startMs: number;
    readonly sizeMs: number;
    readonly firstOffset: bigint;
    readonly values: Interner;
    readonly idStore: IdStore;
  }) {
    this.startMs = window.startMs;
    this.endMs = window.startMs + window.sizeMs;
    this.firstOffset = window.firstOffset;
    this.values = window.values;
    this.ids = new IdSet(window.idStore);
  }

  /** Ids and cells held: what the window costs in memory. */
  get entries(): number {
    return this.ids.size + this.cells.size;
  }

  /** Bytes held, but for the dimension values, which it shares with other windows. */
  get byteLength(): number {
    return this.ids.byteLength + this.cells.byteLength;
  }
}
