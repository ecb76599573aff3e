import { hash } from "node:crypto";
import type { EncoderRecord, EncoderStretch } from "../domain/encoderStretch.ts";
import { hourStartMs } from "../domain/objectPath.ts";
import { isPlausible, parseLine } from "../domain/parseLine.ts";
import type { EncodedHour } from "../objectEncoder.ts";
import { HourColumns, ROW_GROUP_ROWS, type RowPlace } from "./hourColumns.ts";
import { LineScanner } from "./lineScanner.ts";
import { placeOf } from "./scannedFields.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** Sets of columns kept for the next stretch; one has the memory of the largest object it made. */
const FREE_MAX = 4;
const EVENT_TIME = placeOf("event_time");
const EXT = placeOf("ext");

/**
 * Makes the objects of a stretch, in one pass over its bytes. Synchronous: some 5 µs an event. Not
 * for a thread that has anything else to do; see `workerEncoder.ts`.
 */
export class StretchEncoder {
  readonly #scanner = new LineScanner();
  readonly #free: HourColumns[] = [];
  readonly #hours = new Map<number, HourColumns>();
  readonly #rowGroupRows: number;
  #base = 0n;
  #lastHourMs = Number.NaN;
  #lastHour: HourColumns | null = null;

  constructor(rowGroupRows: number = ROW_GROUP_ROWS) {
    this.#rowGroupRows = rowGroupRows;
  }

  /** See `ObjectEncoder.encode`. */
  encode({ partition, firstOffset, records }: EncoderStretch): EncodedHour[] {
    this.#base = firstOffset;
    this.#hours.clear();
    this.#lastHour = null;
    for (const record of records) this.#addRecord(partition, record);
    return [...this.#hours]
      .sort(([a], [b]) => a - b)
      .map(([eventHourMs, columns]) => {
        const bytes = columns.finish();
        const { rows } = columns;
        if (this.#free.length < FREE_MAX) this.#free.push(columns);
        return { eventHourMs, rows, bytes, sha256: hash("sha256", bytes) };
      });
  }

  /** Lines as `blockLines` has them, without making a view of each. */
  #addRecord(partition: number, { offset, appendTimeMs, value }: EncoderRecord): void {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const place = { partition, offset: Number(offset - this.#base), appendTimeMs, index: 0 };
    for (let start = 0; start < bytes.length; ) {
      const found = bytes.indexOf(LINE_FEED, start);
      const end = found === -1 ? bytes.length : found;
      const hasReturn = end > start && bytes[end - 1] === CARRIAGE_RETURN;
      const lineEnd = hasReturn ? end - 1 : end;
      if (lineEnd > start) {
        this.#addLine(place, bytes, start, lineEnd);
        place.index += 1;
      }
      start = end + 1;
    }
  }

  #addLine(place: RowPlace, bytes: Buffer, start: number, end: number): void {
    const scanner = this.#scanner;
    if (scanner.scan(bytes, start, end)) {
      const eventTimeMs = scanner.numbers[EVENT_TIME] ?? 0;
      const ext = scanner.has(EXT) ? extOf(bytes, scanner) : null;
      if (ext !== undefined && isPlausible(eventTimeMs, place.appendTimeMs)) {
        const columns = this.#columnsOf(eventTimeMs);
        columns.addScanned(place, scanner, ext, bytes, start, end);
        return;
      }
    }
    const line = bytes.subarray(start, end);
    const event = parseLine(line, place.appendTimeMs);
    this.#columnsOf(event?.event_time ?? place.appendTimeMs).addParsed(place, event, line);
  }

  #columnsOf(timeMs: number): HourColumns {
    const hourMs = hourStartMs(timeMs);
    if (this.#lastHour !== null && this.#lastHourMs === hourMs) return this.#lastHour;
    let columns = this.#hours.get(hourMs);
    if (columns === undefined) {
      columns = this.#free.pop() ?? new HourColumns(this.#rowGroupRows);
      columns.begin(this.#base);
      this.#hours.set(hourMs, columns);
    }
    this.#lastHourMs = hourMs;
    this.#lastHour = columns;
    return columns;
  }
}

/** What the file is to hold of `ext`; undefined when the scanner took for an object what is none. */
function extOf(bytes: Buffer, { starts, ends }: LineScanner): Buffer | undefined {
  try {
    const text = bytes.toString("latin1", starts[EXT], ends[EXT]);
    return Buffer.from(JSON.stringify(JSON.parse(text)));
  } catch {
    return undefined;
  }
}
