/**
 * Writes scanned events as lines of the log, byte for byte what `JSON.stringify(toStoredEvent(…))`
 * would write: the sender's own bytes in the order of the stored event, and the stamps. Fields that
 * stand side by side in both are copied together.
 */

import type { Line } from "../blocks.ts";
import { NOT_JSON } from "../jsonScan.ts";
import type { EventTaker } from "../splitBody.ts";
import type { EventScanner } from "./eventScanner.ts";
import * as fields from "./fields.ts";
import type { LineBuffer } from "./lineBuffer.ts";
import { type PlainStampContext, PlainStamps } from "./plainStamps.ts";
import { NOTHING, type Piece, pieceOf } from "./stampPieces.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const ZERO = 0x30;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** Fields that stand in the line come before this one. */
const STORED_END = fields.TEST + 1;
/** What a line holds beside the sender's bytes and the pieces: names, a version, a time. */
const LINE_EXTRA_BYTES = 256;

const NO_RUN = -1;

const NAMES = fields.FIELD_NAMES.map((name) => pieceOf(`"${name}":`));
const VERSION_1 = pieceOf('"schema_version":1,');
const EXT_OPEN = pieceOf('"ext":{');

export interface PlainLinesContext extends PlainStampContext {
  readonly partitionCount: number;
  /** Of an id that stands in `[start, end)` in ASCII. */
  readonly partitionOfBytes: (
    bytes: Uint8Array,
    range: { readonly start: number; readonly end: number },
    partitionCount: number,
  ) => number;
}

export class PlainLines implements EventTaker {
  /** In the order of the events that were taken. */
  readonly lines: Line[] = [];
  readonly #buffer: LineBuffer;
  readonly #context: PlainLinesContext;
  readonly #event: EventScanner;
  readonly #stamps: PlainStamps;
  readonly #firstLineAt: number;
  #scannedBytes = 0;
  /** The sender's bytes that are to be copied next. */
  #runStart = 0;
  #runEnd = NO_RUN;

  /** @param buffer With the body loaded; nobody else may write to it. */
  constructor(buffer: LineBuffer, context: PlainLinesContext) {
    this.#buffer = buffer;
    this.#context = context;
    this.#event = buffer.scanner;
    this.#stamps = new PlainStamps(context, buffer.pieces);
    this.#firstLineAt = buffer.at;
  }

  scan(start: number, limit: number): number {
    const json = this.#buffer.bytes;
    const end = this.#event.scan(json, start, limit, this.#context.ingestTimeMs);
    if (end === NOT_JSON || !this.#stamps.read(json, this.#event)) return NOT_JSON;
    this.#scannedBytes = end - start;
    return end;
  }

  keep(): void {
    const buffer = this.#buffer;
    const stamps = this.#stamps;
    const { geo, device, ip, edge, impressionId, userAgent } = stamps;
    const piecesBytes = geo.length + device.length + ip.length + edge.length + impressionId.length;
    buffer.reserve(this.#scannedBytes + LINE_EXTRA_BYTES + piecesBytes + (userAgent?.length ?? 0));
    const start = buffer.at;
    this.#putByte(OPEN_BRACE);
    this.#putSenderFields();
    buffer.put(ip);
    buffer.put(edge);
    this.#putExt();
    // In place of the last comma.
    buffer.at -= 1;
    this.#putByte(CLOSE_BRACE);
    this.lines.push({ partition: this.#partition(), start, end: buffer.at });
  }

  discard(): void {
    this.lines.length = 0;
    this.#buffer.at = this.#firstLineAt;
  }

  #partition(): number {
    const { valueStart, valueEnd } = this.#event;
    const start = (valueStart[fields.EVENT_ID] ?? 0) + 1;
    const end = (valueEnd[fields.EVENT_ID] ?? 0) - 1;
    const { partitionOfBytes, partitionCount } = this.#context;
    return partitionOfBytes(this.#buffer.bytes, { start, end }, partitionCount);
  }

  #putSenderFields(): void {
    const stamps = this.#stamps;
    const event = this.#event;
    if (event.isPresent(fields.SCHEMA_VERSION)) this.#putField(fields.SCHEMA_VERSION);
    else this.#buffer.put(VERSION_1);
    this.#putField(fields.EVENT_TYPE);
    this.#putField(fields.EVENT_ID);
    this.#putTime();
    for (let field = fields.CAMPAIGN_ID; field <= fields.USER_ID; field += 1) this.#putField(field);
    if (event.isPresent(fields.GEO)) this.#putField(fields.GEO);
    else this.#putPiece(stamps.geo);
    if (event.isPresent(fields.DEVICE)) this.#putField(fields.DEVICE);
    else this.#putPiece(stamps.device);
    if (stamps.userAgent === null) this.#putField(fields.USER_AGENT);
    else this.#putPiece(stamps.userAgent);
    if (event.isPresent(fields.IMPRESSION_ID)) this.#putField(fields.IMPRESSION_ID);
    else this.#putPiece(stamps.impressionId);
    for (let field = fields.CLICK_ID; field < STORED_END; field += 1) this.#putField(field);
    this.#putRun();
  }

  /** Puts a field of the sender's, if it is there: with the bytes before it where they adjoin. */
  #putField(field: number): void {
    const event = this.#event;
    if (!event.isPresent(field)) return;
    const { nameStart, valueStart, valueEnd } = event;
    const from = valueStart[field] ?? 0;
    const name = NAMES[field] ?? NOTHING;
    const start = nameStart[field] ?? 0;
    const end = valueEnd[field] ?? 0;
    if (from - start !== name.length) {
      // There is white space in it.
      this.#putRun();
      this.#buffer.put(name);
      this.#runStart = from;
    } else if (this.#runEnd === NO_RUN || start !== this.#runEnd + 1) {
      this.#putRun();
      this.#runStart = start;
    }
    this.#runEnd = end;
  }

  #putPiece(piece: Piece): void {
    if (piece.length === 0) return;
    this.#putRun();
    this.#buffer.put(piece);
  }

  /** Copies what has been gathered, and a comma. */
  #putRun(): void {
    if (this.#runEnd === NO_RUN) return;
    this.#buffer.copy(this.#runStart, this.#runEnd);
    this.#putByte(COMMA);
    this.#runEnd = NO_RUN;
  }

  #putTime(): void {
    const event = this.#event;
    const start = event.valueStart[fields.EVENT_TIME] ?? 0;
    if (event.isPresent(fields.EVENT_TIME) && this.#buffer.bytes[start] !== QUOTE) {
      this.#putField(fields.EVENT_TIME);
      return;
    }
    this.#putRun();
    const name = NAMES[fields.EVENT_TIME];
    if (name !== undefined) this.#buffer.put(name);
    this.#putInteger(this.#event.eventTimeMs);
    this.#putByte(COMMA);
  }

  /** Of a positive one. */
  #putInteger(value: number): void {
    const { bytes, at } = this.#buffer;
    let length = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) length += 1;
    let rest = value;
    for (let index = at + length - 1; index >= at; index -= 1) {
      const tens = Math.floor(rest / 10);
      bytes[index] = ZERO + (rest - tens * 10);
      rest = tens;
    }
    this.#buffer.at = at + length;
  }

  #putExt(): void {
    const { ext } = this.#event;
    if (ext.count === 0) return;
    this.#buffer.put(EXT_OPEN);
    // The sender's own `ext` comes last, wherever it stands.
    this.#putExtFields(0, ext.ownFrom);
    this.#putExtFields(ext.ownTo, ext.count);
    this.#putExtFields(ext.ownFrom, ext.ownTo);
    this.#buffer.at -= 1;
    this.#putByte(CLOSE_BRACE);
    this.#putByte(COMMA);
  }

  #putExtFields(from: number, to: number): void {
    const { nameStart, nameEnd, valueStart, valueEnd } = this.#event.ext;
    for (let index = from; index < to; index += 1) {
      const start = nameStart[index] ?? 0;
      const colon = nameEnd[index] ?? 0;
      const value = valueStart[index] ?? 0;
      const end = valueEnd[index] ?? 0;
      if (value === colon + 1) this.#buffer.copy(start, end);
      else {
        // There is white space around the colon.
        this.#buffer.copy(start, colon);
        this.#putByte(COLON);
        this.#buffer.copy(value, end);
      }
      this.#putByte(COMMA);
    }
  }

  #putByte(byte: number): void {
    this.#buffer.bytes[this.#buffer.at] = byte;
    this.#buffer.at += 1;
  }
}
