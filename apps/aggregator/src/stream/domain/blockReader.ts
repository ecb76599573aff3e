import type { LineIndex } from "@trueclick/shared/event/lineIndex";
import type { EventSpans } from "./eventSpans.ts";
import type { LineColumns } from "./lineColumns.ts";
import { LineScanner } from "./lineScanner.ts";
import { parseStreamEvent } from "./streamEvent.ts";
import { UNUSUAL } from "./valueScanner.ts";

/** What a line turned out to be. */
export const LINE = { empty: 0, event: 1, unparseable: 2 } as const;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const NO_BYTES = new Uint8Array(0);

/**
 * Reads a block line by line, as `blockLines` cuts it and `parseStreamEvent` understands it: by
 * scanning bytes where the line is what the edge writes, by parsing where it is anything else.
 */
export class BlockReader {
  readonly #scanner: LineScanner;
  #block: Uint8Array = NO_BYTES;
  #at = 0;

  constructor(scanner = new LineScanner()) {
    this.#scanner = scanner;
  }

  /** The event of the last line that was one. */
  get spans(): EventSpans {
    return this.#scanner.spans;
  }

  /** Reads the next events into these. */
  readInto(spans: EventSpans): void {
    this.#scanner.readInto(spans);
  }

  open(block: Uint8Array): void {
    this.#block = block;
    this.#at = 0;
    this.#scanner.open(block);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#block.length;
  }

  /** The line index, with this block. */
  get index(): LineIndex {
    return this.#scanner.index;
  }

  /**
   * Reads into columns, from the column `line` on, what lines those read at once, up to `lines` of
   * them, and answers which is the next.
   */
  readColumns(columns: LineColumns, line: number, lines: number): number {
    const next = columns.read(this.index, this.#at, this.#block.length, line, lines);
    this.#at = columns.nextAt;
    return next;
  }

  /** Parses a line by itself, without its line feed, into `spans`; says what it is, by `LINE`. */
  parse(start: number, end: number): number {
    const block = this.#block;
    const trimmed = end > start && block[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    if (trimmed === start) return LINE.empty;
    const event = parseStreamEvent(block.subarray(start, trimmed));
    if (event === null) return LINE.unparseable;
    this.spans.load(event);
    return LINE.event;
  }

  /** Reads a line and says what it is, by `LINE`. */
  next(): number {
    const block = this.#block;
    const end = this.#scanner.scan(this.#at);
    if (end === UNUSUAL || (end < block.length && block[end] !== LINE_FEED))
      return this.#parseNext();
    this.#at = end + 1;
    return LINE.event;
  }

  #parseNext(): number {
    const block = this.#block;
    const start = this.#at;
    const found = block.indexOf(LINE_FEED, start);
    const end = found === -1 ? block.length : found;
    this.#at = end + 1;
    return this.parse(start, end);
  }
}
