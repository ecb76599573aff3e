/**
 * Reads an event from its bytes without building it: where its fields are, and that `parseEnvelope`
 * would accept it and change nothing of them. Anything else, be it wrong or merely unusual (an
 * escape, a name twice, a value that would be written otherwise), is not taken and goes the long
 * way, which decides. So this reader never says what is wrong: it knows only what is surely right.
 */
import {
  EVENT_AGE_MAX_MS,
  EVENT_AHEAD_MAX_MS,
  EVENT_BYTES_MAX,
} from "@trueclick/shared/event/envelope";
import { NOT_JSON } from "../jsonScan.ts";
import { EventTimes } from "./eventTimes.ts";
import { ExtFields, plainValueStart } from "./extFields.ts";
import { hasForm, isDeviceText, isUnknownCountry, textMax } from "./fieldForms.ts";
import * as fields from "./fields.ts";
import { PlainValue, pastSpace, plainTextEnd, textEnd } from "./values.ts";
import { viewOf } from "./words.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const ZERO = 0x30;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** First letter of `"click"` and of `"conversion"`, and the one that tells them apart. */
const LETTER_C = 0x63;
const LETTER_L = 0x6c;

/** Places of fields whose order is remembered; a power of two, more than an event of ours has. */
const PLACES = 32;

export class EventScanner {
  /** Of the opening quotes of names, and of values (strings with their quotes), by field that is present. */
  readonly nameStart = new Int32Array(fields.FIELD_NAMES.length);
  readonly valueStart = new Int32Array(fields.FIELD_NAMES.length);
  readonly valueEnd = new Int32Array(fields.FIELD_NAMES.length);
  readonly ext = new ExtFields();
  /** Epoch milliseconds. */
  eventTimeMs = 0;
  isClick = false;
  /** The sender's word for the device is none of ours: it stands in `ext`. */
  isDeviceUnknown = false;
  readonly #value = new PlainValue();
  readonly #times = new EventTimes();
  /** One bit for each field that was met, absent ones included, and for each that is present. */
  #met = 0;
  #present = 0;
  /** The field that stood at each place last: senders write their events all in one order. */
  readonly #fieldAtPlace = new Int8Array(PLACES).fill(fields.UNKNOWN);
  #place = 0;
  #json: Uint8Array | null = null;
  /** Of `#json`. */
  #words = viewOf(new Uint8Array());

  /**
   * @param limit The event must end by it.
   * @returns Where the event that begins at `start` ends; `NOT_JSON` if it is none to be taken, and
   *   then what was found of it means nothing.
   */
  scan(json: Buffer, start: number, limit: number, ingestTimeMs: number): number {
    if (json[start] !== OPEN_BRACE) return NOT_JSON;
    if (json !== this.#json) {
      this.#json = json;
      this.#words = viewOf(json);
    }
    this.#met = 0;
    this.#present = 0;
    this.#place = 0;
    this.isDeviceUnknown = false;
    this.ext.clear();
    let at = start;
    let byte: number | undefined = COMMA;
    while (byte === COMMA) {
      at = this.#readField(json, pastSpace(json, at + 1));
      if (at === NOT_JSON) return NOT_JSON;
      at = pastSpace(json, at);
      byte = json[at];
    }
    const end = at + 1;
    if (byte !== CLOSE_BRACE || end > limit || end - start > EVENT_BYTES_MAX) return NOT_JSON;
    return this.#isWhole(json, ingestTimeMs) ? end : NOT_JSON;
  }

  isPresent(field: number): boolean {
    return (this.#present & (1 << field)) !== 0;
  }

  /** @returns Where the value ends, or `NOT_JSON`. */
  #readField(json: Buffer, nameStart: number): number {
    const place = this.#place & (PLACES - 1);
    this.#place += 1;
    const likely = this.#fieldAtPlace[place] ?? fields.UNKNOWN;
    const prefixEnd = fields.prefixEndOf(this.#words, nameStart, likely);
    if (prefixEnd !== 0) {
      return this.#readValue(json, nameStart, prefixEnd - 2, pastSpace(json, prefixEnd), likely);
    }
    if (json[nameStart] !== QUOTE) return NOT_JSON;
    const nameEnd = plainTextEnd(json, nameStart + 1);
    if (nameEnd === NOT_JSON) return NOT_JSON;
    const field = fields.fieldAt(json, nameStart + 1, nameEnd);
    this.#fieldAtPlace[place] = field;
    const valueStart = plainValueStart(json, nameEnd);
    if (valueStart === NOT_JSON) return NOT_JSON;
    return this.#readValue(json, nameStart, nameEnd, valueStart, field);
  }

  #readValue(
    json: Buffer,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    field: number,
  ): number {
    if (field === fields.UNKNOWN)
      return this.ext.add(json, this.#words, nameStart, nameEnd, valueStart);
    if ((this.#met & (1 << field)) !== 0) return NOT_JSON;
    this.#met |= 1 << field;
    if (field === fields.EXT && json[valueStart] === OPEN_BRACE) {
      return this.ext.addOwn(json, this.#words, valueStart);
    }
    const lengthMax = textMax[field] ?? 0;
    if (lengthMax !== 0 && json[valueStart] === QUOTE) {
      return this.#readText(json, nameStart, valueStart, field, lengthMax);
    }
    const value = this.#value;
    if (!value.read(json, this.#words, valueStart) || !hasForm(json, field, value)) return NOT_JSON;
    if (!value.isPresent) return value.end;
    if (field === fields.GEO && isUnknownCountry(json, valueStart, value.end)) return value.end;
    if (field === fields.DEVICE && !isDeviceText(json, valueStart, value.end)) {
      this.isDeviceUnknown = true;
      return this.ext.add(json, this.#words, nameStart, nameEnd, valueStart);
    }
    return this.#keep(field, nameStart, valueStart, value.end);
  }

  /** Of a field that may be any text of so many bytes, as most are. */
  #readText(
    json: Buffer,
    nameStart: number,
    valueStart: number,
    field: number,
    lengthMax: number,
  ): number {
    const quote = textEnd(json, this.#words, valueStart + 1);
    const length = quote - valueStart - 1;
    if (quote === NOT_JSON || length > lengthMax) return NOT_JSON;
    // An empty one is as none.
    return length === 0 ? quote + 1 : this.#keep(field, nameStart, valueStart, quote + 1);
  }

  /** @returns `end`. */
  #keep(field: number, nameStart: number, valueStart: number, end: number): number {
    this.#present |= 1 << field;
    this.nameStart[field] = nameStart;
    this.valueStart[field] = valueStart;
    this.valueEnd[field] = end;
    return end;
  }

  /** Whether all is there that must be, and in time. */
  #isWhole(json: Buffer, ingestTimeMs: number): boolean {
    if (!this.isPresent(fields.EVENT_TYPE) || !this.isPresent(fields.EVENT_ID)) return false;
    if (!this.#readTime(json)) return false;
    if (this.eventTimeMs < ingestTimeMs - EVENT_AGE_MAX_MS) return false;
    if (this.eventTimeMs > ingestTimeMs + EVENT_AHEAD_MAX_MS) return false;
    const type = (this.valueStart[fields.EVENT_TYPE] ?? 0) + 1;
    this.isClick = json[type] === LETTER_C && json[type + 1] === LETTER_L;
    return !(this.isClick && this.#lacksAdvertisement()) && !this.ext.hasNameTwice(json);
  }

  #lacksAdvertisement(): boolean {
    return !(
      this.isPresent(fields.CAMPAIGN_ID) &&
      this.isPresent(fields.AD_ID) &&
      this.isPresent(fields.PUBLISHER_ID)
    );
  }

  #readTime(json: Buffer): boolean {
    const isAlias = this.isPresent(fields.CLICK_TIME);
    // Of two, the one that is not used is kept in `ext`: that is for the long way.
    if (isAlias === this.isPresent(fields.EVENT_TIME)) return false;
    const field = isAlias ? fields.CLICK_TIME : fields.EVENT_TIME;
    const start = this.valueStart[field] ?? 0;
    const end = this.valueEnd[field] ?? 0;
    const timeMs =
      json[start] === QUOTE
        ? this.#times.read(json, start + 1, end - 1)
        : readInteger(json, start, end);
    this.eventTimeMs = timeMs ?? 0;
    return timeMs !== null;
  }
}

/** An integer of few enough digits, which may be negative; such times are too old anyway. */
function readInteger(json: Uint8Array, start: number, end: number): number {
  let number = 0;
  for (let at = start; at < end; at += 1) number = number * 10 + ((json[at] ?? 0) - ZERO);
  return number;
}
