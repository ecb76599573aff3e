/** From the bytes of a request's body to single events, each with the bytes that it came in. */
import { EVENT_BYTES_MAX } from "@trueclick/shared/event/envelope";
import { type Rejection, reject } from "@trueclick/shared/event/rejection";
import { elementSpans, fieldStart, trimSpace } from "./jsonSpans.ts";

/** Most events of one request. */
export const REQUEST_EVENTS_MAX = 1_000;

/**
 * `lines`: NDJSON. `either` is what a browser's beacon sends as text: JSON if the whole of it is
 * JSON, else lines.
 */
export type BodyFormat = "json" | "lines" | "either";

export interface ReceivedEvent {
  /** As received, without white space around it. */
  readonly bytes: Uint8Array;
  readonly parsed: { readonly ok: true; readonly value: unknown } | Rejection;
}

export type SplitBody =
  | { readonly kind: "events"; readonly events: readonly ReceivedEvent[] }
  /** Not JSON at all: no event can be told from another. */
  | { readonly kind: "bad_json" }
  | { readonly kind: "empty" }
  | { readonly kind: "too_many" };

const decoder = new TextDecoder("utf-8", { fatal: true });
const LINE_FEED = 0x0a;

/** Splits a body. Never throws; a bad line among good ones is that line's affair. */
export function splitBody(body: Uint8Array, format: BodyFormat): SplitBody {
  if (format === "lines") return splitLines(body);
  const parsed = parseJson(body);
  if (parsed.ok) return splitValue(body, parsed.value);
  return format === "either" ? splitLines(body) : { kind: "bad_json" };
}

function splitValue(body: Uint8Array, value: unknown): SplitBody {
  if (Array.isArray(value)) return splitArray(body, value, 0);
  const batch = batchOf(value);
  if (batch !== null) return splitArray(body, batch, fieldStart(body, "events"));
  return { kind: "events", events: [toEvent(trimSpace(body), value)] };
}

/** The events of `{"events": […]}`; null if the value is an event of its own. */
function batchOf(value: unknown): readonly unknown[] | null {
  if (typeof value !== "object" || value === null || !("events" in value)) return null;
  if ("event_type" in value || !Array.isArray(value.events)) return null;
  return value.events;
}

function splitArray(body: Uint8Array, values: readonly unknown[], start: number): SplitBody {
  if (values.length === 0) return { kind: "empty" };
  if (values.length > REQUEST_EVENTS_MAX) return { kind: "too_many" };
  const events = elementSpans(body, start).map((span, index) =>
    toEvent(body.subarray(span.start, span.end), values[index]),
  );
  return { kind: "events", events };
}

function splitLines(body: Uint8Array): SplitBody {
  const events: ReceivedEvent[] = [];
  for (let start = 0; start < body.length; ) {
    const found = body.indexOf(LINE_FEED, start);
    const end = found === -1 ? body.length : found;
    const line = trimSpace(body.subarray(start, end));
    start = end + 1;
    if (line.length === 0) continue;
    if (events.length === REQUEST_EVENTS_MAX) return { kind: "too_many" };
    const parsed = line.length > EVENT_BYTES_MAX ? reject("too_large") : parseJson(line);
    events.push({ bytes: line, parsed });
  }
  if (events.length === 0) return { kind: "bad_json" };
  const isJson = events.some(({ parsed }) => parsed.ok || parsed.code !== "bad_json");
  return isJson ? { kind: "events", events } : { kind: "bad_json" };
}

function toEvent(bytes: Uint8Array, value: unknown): ReceivedEvent {
  const tooLarge = bytes.length > EVENT_BYTES_MAX;
  return { bytes, parsed: tooLarge ? reject("too_large") : { ok: true, value } };
}

function parseJson(bytes: Uint8Array): ReceivedEvent["parsed"] {
  try {
    // Fatal: bytes that are no UTF-8 would become U+FFFD, other than what was sent.
    return { ok: true, value: JSON.parse(decoder.decode(bytes)) };
  } catch {
    return reject("bad_json");
  }
}
