/**
 * From the bytes of a request's body to the places of its events. Nothing is built here: an event
 * is taken as it stands where it can be, and parsed later, by itself, where it cannot. So the work
 * of one step is bounded by the bytes of the body, and that of parsing by those of one event.
 */
import { EVENT_BYTES_MAX } from "@trueclick/shared/event/envelope";
import { type Rejection, reject } from "@trueclick/shared/event/rejection";
import {
  NOT_JSON,
  saysText,
  skipColon,
  skipSpace,
  skipString,
  skipValue,
  trimSpace,
} from "./jsonScan.ts";

/** Most events of one request. */
export const REQUEST_EVENTS_MAX = 1_000;

/**
 * `lines`: NDJSON. `either` is what a browser's beacon sends as text: JSON if the whole of it is
 * JSON, else lines.
 */
export type BodyFormat = "json" | "lines" | "either";

/** Where an event lies in the body, without white space around it; `[start, end)` in bytes. */
export interface EventSpan {
  readonly start: number;
  readonly end: number;
  /** An `EventTaker` took it; there is nothing left to do for it. */
  readonly isTaken: boolean;
}

/** Takes events that need no parsing. */
export interface EventTaker {
  /**
   * Looks at the event that begins at `start` and ends by `limit`.
   *
   * @returns Where it ends, or `NOT_JSON` when it is none to be taken.
   */
  scan(start: number, limit: number): number;
  /** Takes the event that was scanned last. */
  keep(): void;
  /** Gives back all that was taken: the body was not what it seemed to be. */
  discard(): void;
}

export type SplitBody =
  | { readonly kind: "events"; readonly events: readonly EventSpan[] }
  /** Not JSON at all: no event can be told from another. */
  | { readonly kind: "bad_json" }
  | { readonly kind: "empty" }
  | { readonly kind: "too_many" };

const BAD_JSON: SplitBody = { kind: "bad_json" };
const TOO_MANY: SplitBody = { kind: "too_many" };

const decoder = new TextDecoder("utf-8", { fatal: true });
const LINE_FEED = 0x0a;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const EVENTS = new TextEncoder().encode("events");
const EVENT_TYPE = new TextEncoder().encode("event_type");

/** Splits a body. Never throws; a bad line among good ones is that line's affair. */
export function splitBody(body: Uint8Array, format: BodyFormat, taker: EventTaker): SplitBody {
  if (format === "lines") return splitLines(body, taker);
  const split = splitJson(body, taker);
  if (split.kind === "bad_json") taker.discard();
  return split.kind === "bad_json" && format === "either" ? splitLines(body, taker) : split;
}

/** Reads an event that was not taken. */
export function parseEvent(bytes: Uint8Array): { ok: true; value: unknown } | Rejection {
  if (bytes.length > EVENT_BYTES_MAX) return reject("too_large");
  try {
    // Fatal: bytes that are no UTF-8 would become U+FFFD, other than what was sent.
    return { ok: true, value: JSON.parse(decoder.decode(bytes)) };
  } catch {
    return reject("bad_json");
  }
}

function splitJson(body: Uint8Array, taker: EventTaker): SplitBody {
  const start = skipSpace(body, textStart(body));
  if (body[start] === OPEN_BRACKET) {
    const array = readArray(body, start, taker);
    return array !== null && isEnd(body, array.end) ? toSplit(body, array, true) : BAD_JSON;
  }
  const scanned = taker.scan(start, body.length);
  if (scanned !== NOT_JSON && isEnd(body, scanned)) {
    taker.keep();
    return oneEvent(start, scanned, true);
  }
  if (body[start] === OPEN_BRACE) return splitObject(body, start, taker);
  const end = skipValue(body, start);
  return end === NOT_JSON || !isEnd(body, end) || !isUtf8(body)
    ? BAD_JSON
    : oneEvent(start, end, false);
}

/** An event by itself, or the `{"events": […]}` of many. */
function splitObject(body: Uint8Array, start: number, taker: EventTaker): SplitBody {
  const object = readObject(body, start, taker);
  if (object === null || !isEnd(body, object.end)) return BAD_JSON;
  const { batch, end, isAlone } = object;
  if (batch !== null) return toSplit(body, batch, isAlone);
  taker.discard();
  return isUtf8(body) ? oneEvent(start, end, false) : BAD_JSON;
}

function oneEvent(start: number, end: number, isTaken: boolean): SplitBody {
  return { kind: "events", events: [{ start, end, isTaken }] };
}

interface ArrayText {
  readonly end: number;
  readonly events: readonly EventSpan[];
  /** Of all elements; of those that are too many no places are kept. */
  readonly count: number;
}

/** @returns null if it is no JSON. */
function readArray(body: Uint8Array, start: number, taker: EventTaker): ArrayText | null {
  const events: EventSpan[] = [];
  let count = 0;
  let at = skipSpace(body, start + 1);
  let next = body[at] === CLOSE_BRACKET ? CLOSE_BRACKET : COMMA;
  while (next === COMMA) {
    const event = count < REQUEST_EVENTS_MAX ? readElement(body, at, taker) : null;
    if (event !== null) events.push(event);
    const end = event === null ? skipValue(body, at) : event.end;
    if (end === NOT_JSON) return null;
    count += 1;
    at = skipSpace(body, end);
    next = body[at] ?? 0;
    if (next === COMMA) at = skipSpace(body, at + 1);
  }
  return next === CLOSE_BRACKET ? { end: at + 1, events, count } : null;
}

/** @param isAlone Whether there is no text in the body but that of the array. */
function toSplit(body: Uint8Array, { events, count }: ArrayText, isAlone: boolean): SplitBody {
  // What was taken is ASCII; all else may be anything.
  const isAscii = isAlone && count === events.length && events.every(({ isTaken }) => isTaken);
  if (!isAscii && !isUtf8(body)) return BAD_JSON;
  if (count === 0) return { kind: "empty" };
  return count > REQUEST_EVENTS_MAX ? TOO_MANY : { kind: "events", events };
}

/** @returns null if there is no JSON. */
function readElement(body: Uint8Array, start: number, taker: EventTaker): EventSpan | null {
  const scanned = taker.scan(start, body.length);
  if (scanned !== NOT_JSON) {
    taker.keep();
    return { start, end: scanned, isTaken: true };
  }
  const end = skipValue(body, start);
  return end === NOT_JSON ? null : { start, end, isTaken: false };
}

interface ObjectText {
  readonly end: number;
  /** The list of events, if that is what the object is there for. */
  readonly batch: ArrayText | null;
  /** Whether it has one field only. */
  readonly isAlone: boolean;
}

/**
 * Passes over an object once, whatever it turns out to be; what is taken on the way may have to be
 * given back. Of a name that is there twice the last counts, as in `JSON.parse`.
 *
 * @returns null if it is no JSON.
 */
function readObject(body: Uint8Array, start: number, taker: EventTaker): ObjectText | null {
  let batch: ArrayText | null = null;
  let hasEventType = false;
  let at = skipSpace(body, start + 1);
  if (body[at] === CLOSE_BRACE) return { end: at + 1, batch, isAlone: false };
  for (let fields = 1; ; fields += 1) {
    const field = readField(body, at, taker);
    if (field === null) return null;
    if (field.isEvents) batch = field.array;
    hasEventType ||= field.isEventType;
    at = skipSpace(body, field.end);
    if (body[at] === CLOSE_BRACE) {
      return { end: at + 1, batch: hasEventType ? null : batch, isAlone: fields === 1 };
    }
    if (body[at] !== COMMA) return null;
    at = skipSpace(body, at + 1);
  }
}

interface FieldText {
  readonly end: number;
  readonly isEventType: boolean;
  readonly isEvents: boolean;
  /** Its value, if it is a list of events. */
  readonly array: ArrayText | null;
}

/** @returns null if it is no JSON. */
function readField(body: Uint8Array, start: number, taker: EventTaker): FieldText | null {
  const nameEnd = skipString(body, start);
  const valueStart = nameEnd === NOT_JSON ? NOT_JSON : skipColon(body, nameEnd);
  if (valueStart === NOT_JSON) return null;
  const isEventType = saysText(body, start, nameEnd, EVENT_TYPE);
  const isEvents = saysText(body, start, nameEnd, EVENTS);
  // Those of an earlier field of this name.
  if (isEvents) taker.discard();
  if (isEvents && body[valueStart] === OPEN_BRACKET) {
    const array = readArray(body, valueStart, taker);
    return array === null ? null : { end: array.end, isEventType, isEvents, array };
  }
  const end = skipValue(body, valueStart);
  return end === NOT_JSON ? null : { end, isEventType, isEvents, array: null };
}

function splitLines(body: Uint8Array, taker: EventTaker): SplitBody {
  const events: EventSpan[] = [];
  for (let start = skipSpace(body, 0); start < body.length; ) {
    if (events.length === REQUEST_EVENTS_MAX) return TOO_MANY;
    const found = body.indexOf(LINE_FEED, start);
    const lineEnd = found === -1 ? body.length : found;
    const scanned = taker.scan(start, lineEnd);
    const isTaken = scanned !== NOT_JSON && skipSpace(body, scanned) >= lineEnd;
    if (isTaken) taker.keep();
    const end = isTaken ? scanned : start + trimSpace(body.subarray(start, lineEnd)).length;
    events.push({ start, end, isTaken });
    start = skipSpace(body, lineEnd);
  }
  const isJson = events.some(({ start, end, isTaken }) => {
    const length = end - start;
    return isTaken || length > EVENT_BYTES_MAX || isJsonText(body.subarray(start, end));
  });
  return isJson ? { kind: "events", events } : BAD_JSON;
}

function isJsonText(text: Uint8Array): boolean {
  const end = skipValue(text, skipSpace(text, textStart(text)));
  return end !== NOT_JSON && isEnd(text, end) && isUtf8(text);
}

/** Behind the mark that some programs begin a UTF-8 text with. */
function textStart(text: Uint8Array): number {
  return BYTE_ORDER_MARK.every((byte, index) => text[index] === byte) ? BYTE_ORDER_MARK.length : 0;
}

function isEnd(text: Uint8Array, at: number): boolean {
  return skipSpace(text, at) === text.length;
}

function isUtf8(text: Uint8Array): boolean {
  try {
    decoder.decode(text);
    return true;
  } catch {
    return false;
  }
}
