/**
 * Events that wait to be sent: one entry of the browser's storage for each, written when it is taken
 * and removed when the edge has answered for it, whoever sent it. So neither a crash nor another tab
 * can lose one; at worst it is sent twice, under one id.
 *
 * Each tab writes under a name of its own and holds a lock of that name. What a tab left that is
 * gone is adopted by whoever gets its lock.
 */
import type { EventStorage, Platform } from "./platform.ts";

/** Without locks: whatever is younger may be another tab's that is about to send it. */
const ORPHAN_AFTER_MS = 5 * 60_000;
/** So many events that a tab takes in one millisecond keep their order, and have names apart. */
const PLACES_PER_MS = 1_000;

export interface Entry {
  /** `prefix/tab/place`. */
  readonly name: string;
  /** The event as JSON. */
  readonly text: string;
  readonly bytes: number;
}

export interface QueueLimits {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

const encoder = new TextEncoder();

export function bytesOf(text: string): number {
  return encoder.encode(text).length;
}

export class EventQueue {
  readonly #prefix: string;
  readonly #platform: Platform;
  readonly #limits: QueueLimits;
  readonly #tab: string;
  /** Names of the tabs whose entries are ours, each with what lets go of it. */
  readonly #held = new Map<string, () => void>();
  /** Oldest first. */
  #entries: Entry[] = [];
  #bytes = 0;
  #count = 0;

  constructor(prefix: string, platform: Platform, limits: QueueLimits) {
    this.#prefix = `${prefix}/`;
    this.#platform = platform;
    this.#limits = limits;
    this.#tab = this.#prefix + platform.newId();
  }

  get events(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether there was room. */
  push(text: string, bytes: number): boolean {
    const { eventsMax, bytesMax } = this.#limits;
    if (this.events >= eventsMax || this.#bytes + bytes > bytesMax) return false;
    const place = this.#platform.now() * PLACES_PER_MS + (this.#count++ % PLACES_PER_MS);
    const entry = { name: `${this.#tab}/${place}`, text, bytes };
    this.#set([...this.#entries, entry]);
    try {
      this.#platform.storage?.setItem(entry.name, text);
    } catch {
      // No room: it waits in memory alone, as it does where there is no storage.
    }
    return true;
  }

  /** The oldest entries that fit, at least one where there is one, without those that are busy. */
  first({ eventsMax, bytesMax }: QueueLimits, busy?: ReadonlySet<Entry>): Entry[] {
    const chosen: Entry[] = [];
    let sum = 0;
    for (const entry of this.#entries) {
      if (busy?.has(entry)) continue;
      sum += entry.bytes + 1;
      if (chosen.length >= eventsMax || (chosen.length > 0 && sum > bytesMax)) break;
      chosen.push(entry);
    }
    return chosen;
  }

  find(isWanted: (entry: Entry) => boolean): Entry | undefined {
    return this.#entries.find(isWanted);
  }

  /** For entries that the edge has answered for, and those that are given up. */
  remove(entries: readonly Entry[]): void {
    for (const { name } of entries) this.#platform.storage?.removeItem(name);
    const gone = new Set(entries);
    this.#set(this.#entries.filter((entry) => !gone.has(entry)));
  }

  /** Takes over what tabs left that are gone. `onFound` is called for each that left something. */
  adopt(onFound: () => void): void {
    const { storage, lock, now } = this.#platform;
    if (!storage) return;
    if (!lock) {
      this.#takeOver(storage, this.#prefix, now() - ORPHAN_AFTER_MS, onFound);
      return;
    }
    const names = Object.keys(storage).filter((name) => name.startsWith(this.#prefix));
    for (const owner of new Set([this.#tab, ...names.map(tabOf)])) {
      if (this.#held.has(owner)) continue;
      const release = lock(owner, () => {
        this.#held.set(owner, release);
        this.#takeOver(storage, `${owner}/`, 1 / 0, onFound);
      });
    }
  }

  /** Lets other tabs adopt what is here, until `adopt` is called again. */
  letGo(): void {
    for (const release of this.#held.values()) release();
    this.#held.clear();
  }

  #takeOver(storage: EventStorage, start: string, beforeMs: number, onFound: () => void): void {
    const known = new Set(this.#entries.map(({ name }) => name));
    const found: Entry[] = [];
    for (const name of Object.keys(storage)) {
      if (!name.startsWith(start) || known.has(name)) continue;
      const text = storage.getItem(name);
      if (text === null || placeOf(name) > beforeMs * PLACES_PER_MS) continue;
      found.push({ name, text, bytes: bytesOf(text) });
    }
    if (found.length === 0) return;
    const all = [...this.#entries, ...found];
    this.#set(all.sort((a, b) => placeOf(a.name) - placeOf(b.name)));
    onFound();
  }

  #set(entries: Entry[]): void {
    this.#entries = entries;
    this.#bytes = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

function tabOf(name: string): string {
  return name.slice(0, name.lastIndexOf("/"));
}

/** Grows with the time at which an entry was taken, whichever tab took it. */
function placeOf(name: string): number {
  return Number(name.slice(name.lastIndexOf("/") + 1));
}
