import { hash } from "node:crypto";
import type { StoredEvent } from "@trueclick/shared/event/stored";
import { ARCHIVE_COLUMNS, type ArchiveColumn } from "../domain/columns.ts";
import { BoolColumn, type Column, FixedColumn, IntColumn, TextColumn } from "../parquet/columns.ts";
import { ParquetFile } from "../parquet/parquetFile.ts";
import type { LineScanner } from "./lineScanner.ts";
import { PARQUET_COLUMNS } from "./parquetColumns.ts";
import { placeOf, type ScannedField } from "./scannedFields.ts";
import type { StoredRow } from "./storedRow.ts";

/** Where a line lay in the log. */
export interface RowPlace {
  readonly partition: number;
  /** Relative to the base of the object: the first offset of its stretch. */
  readonly offset: number;
  /** Line of the block, from 0. */
  readonly index: number;
  /** Epoch milliseconds. */
  readonly appendTimeMs: number;
}

/** A row group is read by one thread, and its pages are in memory whole. */
export const ROW_GROUP_ROWS = 65_536;
const KEY_BYTES = 16;
const INT32_MAX = 2 ** 31 - 1;
/** Readers skip whole objects by time alone. */
const WITH_RANGE: ReadonlySet<string> = new Set(["event_time", "ingest_time"]);
/** Texts of which each row has another one. */
const DISTINCT: ReadonlySet<string> = new Set(["event_id", "token", "ext", "line"]);

const TEXTS = [
  "event_type",
  "event_id",
  "campaign_id",
  "ad_id",
  "publisher_id",
  "user_id",
  "geo",
  "device",
  "user_agent",
  "ip_hash",
  "ip_net",
  "impression_id",
  "click_id",
  "token",
  "region",
  "source_id",
] as const satisfies readonly ScannedField[];
const TIMES = ["event_time", "ingest_time"] as const satisfies readonly ScannedField[];

const EVENT_ID = placeOf("event_id");
const SCHEMA_VERSION = placeOf("schema_version");
const CONVERSION_VALUE = placeOf("conversion_value_micros");
const TEST = placeOf("test");

/** The rows of one object while they are collected, column by column. Used again and again. */
export class HourColumns {
  readonly #partition = intColumn("partition");
  readonly #offset = intColumn("offset");
  readonly #index = intColumn("index");
  readonly #appendTime = intColumn("append_time");
  readonly #unparseable = new BoolColumn(false);
  readonly #schemaVersion = intColumn("schema_version");
  readonly #eventId128 = new FixedColumn(true, KEY_BYTES);
  readonly #conversionValue = intColumn("conversion_value_micros");
  readonly #test = new BoolColumn(true);
  readonly #flags = textColumn("flags");
  readonly #ext = textColumn("ext");
  readonly #line = textColumn("line");
  readonly #texts = TEXTS.map((name) => ({ name, place: placeOf(name), column: textColumn(name) }));
  readonly #times = TIMES.map((name) => ({ name, place: placeOf(name), column: intColumn(name) }));
  /** In the order of the file. */
  readonly #all: readonly Column[];
  #file = new ParquetFile(PARQUET_COLUMNS);
  #base = 0n;
  #rows = 0;
  #rowsInAll = 0;
  readonly #rowGroupRows: number;

  constructor(rowGroupRows: number) {
    this.#rowGroupRows = rowGroupRows;
    const byName = new Map<string, Column>([
      ["partition", this.#partition],
      ["offset", this.#offset],
      ["index", this.#index],
      ["append_time", this.#appendTime],
      ["unparseable", this.#unparseable],
      ["schema_version", this.#schemaVersion],
      ["event_id128", this.#eventId128],
      ["conversion_value_micros", this.#conversionValue],
      ["test", this.#test],
      ["flags", this.#flags],
      ["ext", this.#ext],
      ["line", this.#line],
      ...[...this.#texts, ...this.#times].map(({ name, column }): [string, Column] => {
        return [name, column];
      }),
    ]);
    this.#all = ARCHIVE_COLUMNS.map(({ name }) => {
      const column = byName.get(name);
      if (column === undefined) throw new RangeError(`nothing fills the column ${name}`);
      return column;
    });
  }

  get rows(): number {
    return this.#rowsInAll;
  }

  /** Starts a new object. @param base The offset that those of the rows are relative to. */
  begin(base: bigint): void {
    this.#file = new ParquetFile(PARQUET_COLUMNS);
    this.#base = base;
    this.#rowsInAll = 0;
    this.#clear();
  }

  /**
   * Adds a line that the scanner has read.
   *
   * @param ext The event's `ext` as the file is to hold it; null without one.
   */
  addScanned(
    place: RowPlace,
    scanner: LineScanner,
    ext: Buffer | null,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    const { starts, ends, numbers } = scanner;
    this.#addPlace(place, false);
    this.#addTexts(scanner, bytes);
    for (const { place: at, column } of this.#times) column.add(numbers[at] ?? 0);
    this.#schemaVersion.add(Math.min(numbers[SCHEMA_VERSION] ?? 0, INT32_MAX));
    this.#eventId128.add(keyOf(bytes.subarray(starts[EVENT_ID] ?? 0, ends[EVENT_ID] ?? 0)));
    if (scanner.has(CONVERSION_VALUE)) this.#conversionValue.add(numbers[CONVERSION_VALUE] ?? 0);
    else this.#conversionValue.addNull();
    if (scanner.has(TEST)) this.#test.add(numbers[TEST] === 1);
    else this.#test.addNull();
    addText(this.#flags, flagsText(scanner.flags));
    addText(this.#ext, ext);
    this.#line.add(bytes, start, end);
    this.#endRow();
  }

  /** Adds a line with what the schema says that it is; null if it is no event. */
  addParsed(place: RowPlace, event: StoredEvent | null, line: Buffer): void {
    this.#addPlace(place, event === null);
    for (const { name, column } of this.#texts) addText(column, event?.[name]);
    for (const { name, column } of this.#times) addNumber(column, event?.[name]);
    const version = event?.schema_version;
    addNumber(this.#schemaVersion, version && Math.min(version, INT32_MAX));
    if (event === null) this.#eventId128.addNull();
    else this.#eventId128.add(keyOf(Buffer.from(event.event_id)));
    addNumber(this.#conversionValue, event?.conversion_value_micros);
    if (event?.test === undefined) this.#test.addNull();
    else this.#test.add(event.test);
    addText(this.#flags, event?.flags.join(","));
    addText(this.#ext, event?.ext === undefined ? undefined : JSON.stringify(event.ext));
    this.#line.add(line, 0, line.length);
    this.#endRow();
  }

  /** Adds a row as another object holds it. */
  addStored(row: StoredRow): void {
    this.#partition.add(row.partition);
    this.#offset.add(Number(row.offset - this.#base));
    this.#index.add(row.index);
    this.#appendTime.add(row.append_time.getTime());
    this.#unparseable.add(row.unparseable);
    for (const { name, column } of this.#texts) addText(column, row[name]);
    for (const { name, column } of this.#times) addNumber(column, row[name]?.getTime());
    addNumber(this.#schemaVersion, row.schema_version ?? undefined);
    if (row.event_id128 == null) this.#eventId128.addNull();
    else this.#eventId128.add(Buffer.from(row.event_id128).toString("latin1"));
    const value = row.conversion_value_micros;
    addNumber(this.#conversionValue, value == null ? undefined : Number(value));
    if (row.test == null) this.#test.addNull();
    else this.#test.add(row.test);
    addText(this.#flags, row.flags);
    addText(this.#ext, row.ext);
    addText(this.#line, Buffer.from(row.line));
    this.#endRow();
  }

  /** The object's bytes. */
  finish(): Buffer {
    if (this.#rows > 0) this.#endRowGroup();
    return this.#file.finish("trueclick archive");
  }

  #addTexts(scanner: LineScanner, bytes: Buffer): void {
    const { starts, ends } = scanner;
    for (const { place: at, column } of this.#texts) {
      if (scanner.has(at)) column.add(bytes, starts[at] ?? 0, ends[at] ?? 0);
      else column.addNull();
    }
  }

  #addPlace({ partition, offset, index, appendTimeMs }: RowPlace, isUnparseable: boolean): void {
    this.#partition.add(partition);
    this.#offset.add(offset);
    this.#index.add(index);
    this.#appendTime.add(appendTimeMs);
    this.#unparseable.add(isUnparseable);
  }

  #endRow(): void {
    this.#rows += 1;
    this.#rowsInAll += 1;
    if (this.#rows === this.#rowGroupRows) this.#endRowGroup();
  }

  #endRowGroup(): void {
    this.#file.addRowGroup(
      this.#rows,
      this.#all.map((column) => column.content()),
    );
    this.#clear();
  }

  #clear(): void {
    for (const column of this.#all) column.clear();
    this.#offset.setBase(this.#base);
    this.#rows = 0;
  }
}

/** Few sets of flags occur; each is made a buffer once. */
const FLAGS_TEXTS_MAX = 1_024;
const flagsTexts = new Map<string, Buffer>();

function flagsText(flags: readonly string[]): Buffer {
  const text = flags.join(",");
  const known = flagsTexts.get(text);
  if (known !== undefined) return known;
  if (flagsTexts.size >= FLAGS_TEXTS_MAX) flagsTexts.clear();
  const made = Buffer.from(text);
  flagsTexts.set(text, made);
  return made;
}

function addText(column: TextColumn, value: string | Buffer | null | undefined): void {
  if (value === undefined || value === null) {
    column.addNull();
    return;
  }
  const bytes = typeof value === "string" ? Buffer.from(value) : value;
  column.add(bytes, 0, bytes.length);
}

function addNumber(column: IntColumn, value: number | undefined): void {
  if (value === undefined) column.addNull();
  else column.add(value);
}

/** The first 16 bytes, one character each: `binary` is several times faster than a buffer. */
function keyOf(id: Buffer): string {
  return hash("sha256", id, "binary").slice(0, KEY_BYTES);
}

function columnNamed(name: string): ArchiveColumn {
  const column = ARCHIVE_COLUMNS.find((one) => one.name === name);
  if (column === undefined) throw new RangeError(`the archive has no column ${name}`);
  return column;
}

function intColumn(name: string): IntColumn {
  const { type, optional } = columnNamed(name);
  return new IntColumn(optional, type === "int32" ? 32 : 64, WITH_RANGE.has(name));
}

function textColumn(name: string): TextColumn {
  return new TextColumn(columnNamed(name).optional, !DISTINCT.has(name));
}
