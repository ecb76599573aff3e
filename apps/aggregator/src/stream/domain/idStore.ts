import type { IdGroup } from "./idGroup.ts";
import { NOOK_BYTES, PAGE_BYTES } from "./idSetLayout.ts";
import { idSetModuleBytes } from "./idSetModule.ts";

/** By how much of itself a store grows: V8 looks for garbage each time that a large one does. */
const GROWTH = 1 / 16;
const PAGES_MIN = 1;
/** Grown at once, at least. */
const PAGES_MORE = 4;
const NOOKS_A_PAGE = PAGE_BYTES / NOOK_BYTES;
const PAGES_MAX = 65_536;
/** A store of fewer pages may be as empty as it likes. */
const PAGES_FEW = 64;
const EMPTY_SHARE = 3 / 4;

type Admit = (
  directory: number,
  logPages: number,
  count: number,
  shift: number,
  tableAt: number,
  lineMask: number,
  placeMask: number,
  last: number,
  distanceMax: number,
) => number;
type Divide = (
  logPages: number,
  zeros: number,
  ones: number,
  bit: number,
  placeMask: number,
) => number;

/**
 * The memory that the sets of some windows lie in, in pages of 64 KiB. What a closed window gives back, the next
 * ones take; a memory of WebAssembly cannot shrink, so that one which is mostly empty is left to its last windows.
 * One for each partition: each takes 8 GiB of addresses, of which a process has 128 TiB.
 */
export class IdStore {
  readonly group: IdGroup;
  readonly admit: Admit;
  readonly divide: Divide;
  readonly #memory = new WebAssembly.Memory({ initial: PAGES_MIN, maximum: PAGES_MAX });
  #words = new Int32Array(this.#memory.buffer);
  #halves = new Uint16Array(this.#memory.buffer);
  #pages = PAGES_MIN;
  /** Pages from there on were never taken. */
  #nextPage = 0;
  readonly #free: number[] = [];
  readonly #freeNooks: number[] = [];

  constructor(group: IdGroup) {
    this.group = group;
    const memories = { group: group.memory, store: this.#memory };
    const { admit, divide } = new WebAssembly.Instance(compiled(), { host: memories }).exports;
    if (!isAdmit(admit) || !isDivide(divide)) {
      throw new TypeError("The store does not export what it should");
    }
    this.admit = admit;
    this.divide = divide;
  }

  /** All of the memory, until a page is taken. */
  get words(): Int32Array {
    return this.#words;
  }

  get halves(): Uint16Array {
    return this.#halves;
  }

  /** Bytes that no set has. */
  get freeBytes(): number {
    const pages = this.#pages - this.#nextPage + this.#free.length;
    return pages * PAGE_BYTES + this.#freeNooks.length * NOOK_BYTES;
  }

  /** Whether new windows had better begin another. */
  get isMostlyEmpty(): boolean {
    return this.#pages > PAGES_FEW && this.freeBytes > EMPTY_SHARE * this.#pages * PAGE_BYTES;
  }

  /** A page, with anything in it. @throws {RangeError} when there are none any more. */
  take(): number {
    const page = this.#free.pop();
    if (page !== undefined) return page;
    if (this.#nextPage === this.#pages) this.#grow();
    this.#nextPage += 1;
    return this.#nextPage - 1;
  }

  /** Takes pages back, which nobody may look at any more. */
  giveBack(pages: readonly number[]): void {
    for (const page of pages) this.#free.push(page);
  }

  /** A quarter of a page, by its number among all quarters; with anything in it. */
  takeNook(): number {
    const nook = this.#freeNooks.pop();
    if (nook !== undefined) return nook;
    const first = this.take() * NOOKS_A_PAGE;
    for (let other = first + NOOKS_A_PAGE - 1; other > first; other -= 1) {
      this.#freeNooks.push(other);
    }
    return first;
  }

  giveNookBack(nook: number): void {
    this.#freeNooks.push(nook);
  }

  #grow(): void {
    const wanted = Math.max(PAGES_MORE, Math.ceil(this.#pages * GROWTH));
    const pages = Math.min(wanted, PAGES_MAX - this.#pages);
    if (pages === 0) throw new RangeError("The ids of one partition's open windows fill 4 GiB");
    this.#memory.grow(pages);
    this.#pages += pages;
    this.#words = new Int32Array(this.#memory.buffer);
    this.#halves = new Uint16Array(this.#memory.buffer);
  }
}

let module: WebAssembly.Module | undefined;

/** Compiled once a process, when it is first wanted. */
function compiled(): WebAssembly.Module {
  module ??= new WebAssembly.Module(idSetModuleBytes());
  return module;
}

function isAdmit(value: unknown): value is Admit {
  return typeof value === "function";
}

function isDivide(value: unknown): value is Divide {
  return typeof value === "function";
}
