import type { IdGroup } from "./idGroup.ts";
import { IdStore } from "./idStore.ts";
import { Interner } from "./interner.ts";
import { OpenWindow } from "./openWindow.ts";

/**
 * Dimension values after which new windows start a list of their own. Values that no open window
 * uses go with the last window that knew them; without this, a sender of ever new ads would fill
 * memory for as long as the process lives.
 */
const VALUES_MAX = 65_536;

/** Windows are remembered by their minute, modulo this; more than are usually open. */
const RECENT = 64;

/** The windows of a partition that still take events, and the watermark that closes them. */
export class OpenWindows {
  readonly #sizeMs: number;
  readonly #entriesMax: number;
  readonly #idGroup: IdGroup;
  #idStore: IdStore;
  readonly #open = new Map<number, OpenWindow>();
  readonly #recent: (OpenWindow | undefined)[] = Array.from({ length: RECENT });
  #values = new Interner();
  #entries = 0;
  #watermarkMs: number;

  constructor(options: {
    readonly sizeMs: number;
    readonly entriesMax: number;
    readonly watermarkMs: number;
    /** Whose ids are admitted to the windows. */
    readonly idGroup: IdGroup;
  }) {
    this.#sizeMs = options.sizeMs;
    this.#entriesMax = options.entriesMax;
    this.#idGroup = options.idGroup;
    this.#idStore = new IdStore(options.idGroup);
    this.#watermarkMs = options.watermarkMs;
  }

  get watermarkMs(): number {
    return this.#watermarkMs;
  }

  /** Ids and cells held. */
  get entries(): number {
    return this.#entries;
  }

  /** Bytes held by the open windows, dimension values included. */
  get byteLength(): number {
    const open = [...this.#open.values()];
    const values = new Set([this.#values, ...open.map((window) => window.values)]);
    const stores = new Set([this.#idStore, ...open.map(({ ids }) => ids.store)]);
    const windows = open.reduce((sum, window) => sum + window.byteLength, 0);
    const withStores = [...stores].reduce((sum, store) => sum + store.freeBytes, windows);
    return [...values].reduce((sum, interner) => sum + interner.byteLength, withStores);
  }

  /**
   * The window of an event, opened if it is new; null when it is closed, and the event late. Keeps
   * to the limit first: never needed while a checkpoint's windows are rebuilt, since they are some
   * of those that fitted then.
   */
  windowFor(eventTimeMs: number, offset: bigint): OpenWindow | null {
    this.#makeRoom();
    const minute = Math.floor(eventTimeMs / this.#sizeMs);
    const startMs = minute * this.#sizeMs;
    const recent = this.#recent[minute & (RECENT - 1)];
    if (recent?.startMs === startMs) return recent;
    if (startMs + this.#sizeMs <= this.#watermarkMs) return null;
    const window = this.#open.get(startMs) ?? this.#openAt(startMs, offset);
    this.#recent[minute & (RECENT - 1)] = window;
    return window;
  }

  /** Whether so many more ids and cells close no window, whichever windows they are of. */
  hasRoomFor(entries: number): boolean {
    return this.#entries + entries <= this.#entriesMax;
  }

  /** Counts what an event has added to a window. */
  grew(entries: number): void {
    this.#entries += entries;
  }

  /** Moves the watermark, never back, and lets go of the windows that it closes. */
  closeUntil(watermarkMs: number): void {
    if (watermarkMs <= this.#watermarkMs) return;
    this.#watermarkMs = watermarkMs;
    for (const [startMs, window] of this.#open) {
      if (window.endMs > watermarkMs) continue;
      this.#open.delete(startMs);
      window.ids.giveBack();
      this.#entries -= window.entries;
      const at = Math.floor(startMs / this.#sizeMs) & (RECENT - 1);
      if (this.#recent[at] === window) this.#recent[at] = undefined;
    }
  }

  /** Lowest offset that an open window needs; `nextOffset` when none is open. */
  restartOffset(nextOffset: bigint): bigint {
    let restartOffset = nextOffset;
    for (const { firstOffset } of this.#open.values()) {
      if (firstOffset < restartOffset) restartOffset = firstOffset;
    }
    return restartOffset;
  }

  #openAt(startMs: number, firstOffset: bigint): OpenWindow {
    if (this.#values.size >= VALUES_MAX) this.#values = new Interner();
    if (this.#idStore.isMostlyEmpty) this.#idStore = new IdStore(this.#idGroup);
    const window = new OpenWindow({
      ...{ startMs, sizeMs: this.#sizeMs, firstOffset },
      ...{ values: this.#values, idStore: this.#idStore },
    });
    this.#open.set(startMs, window);
    return window;
  }

  #makeRoom(): void {
    while (this.#entries >= this.#entriesMax && this.#open.size > 0) {
      const oldestStartMs = Math.min(...this.#open.keys());
      this.closeUntil(oldestStartMs + this.#sizeMs);
    }
  }
}
