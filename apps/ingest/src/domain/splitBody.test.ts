import { EVENT_BYTES_MAX } from "@trueclick/shared/event/envelope";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mutated } from "../testing/mutatedBytes.ts";
import { NOT_JSON, skipValue } from "./jsonScan.ts";
import {
  type BodyFormat,
  type EventTaker,
  parseEvent,
  REQUEST_EVENTS_MAX,
  splitBody,
} from "./splitBody.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
/** Takes nothing, so that all is told by `parseEvent`. */
const NO_TAKER: EventTaker = { scan: () => NOT_JSON, keep: () => {}, discard: () => {} };

function split(text: string, format: BodyFormat) {
  const bytes = encode(text);
  const body = splitBody(bytes, format, NO_TAKER);
  if (body.kind !== "events") return body.kind;
  return body.events.map(({ start, end }) => {
    const event = bytes.subarray(start, end);
    const parsed = parseEvent(event);
    return [decode(event), parsed.ok ? "ok" : parsed.code];
  });
}

describe("splitBody", () => {
  it.each<[string, string, BodyFormat, unknown]>([
    ["one object", ' {"a":1}\n', "json", [['{"a":1}', "ok"]]],
    [
      "an array",
      '[{"a":1}, 2]',
      "json",
      [
        ['{"a":1}', "ok"],
        ["2", "ok"],
      ],
    ],
    [
      "a batch",
      '{"events":[1, 2]}',
      "json",
      [
        ["1", "ok"],
        ["2", "ok"],
      ],
    ],
    [
      "an event with a field of that name",
      '{"event_type":"click","events":[1]}',
      "json",
      [['{"event_type":"click","events":[1]}', "ok"]],
    ],
    ["events that are no list", '{"events":1}', "json", [['{"events":1}', "ok"]]],
    [
      "lines, empty ones left out",
      '1\r\n\n \n{"a":2}',
      "lines",
      [
        ["1", "ok"],
        ['{"a":2}', "ok"],
      ],
    ],
    [
      "a bad line among good ones",
      "1\n{\n2",
      "lines",
      [
        ["1", "ok"],
        ["{", "bad_json"],
        ["2", "ok"],
      ],
    ],
    [
      "a beacon of one array",
      "[1,2]",
      "either",
      [
        ["1", "ok"],
        ["2", "ok"],
      ],
    ],
    [
      "a beacon of lines",
      "1\n2",
      "either",
      [
        ["1", "ok"],
        ["2", "ok"],
      ],
    ],
    ["lines where one document was said", "1\n2", "json", "bad_json"],
    ["nothing but bad lines", "{\n[", "lines", "bad_json"],
    ["an empty body", "", "json", "bad_json"],
    ["empty lines", "\n\n", "lines", "bad_json"],
    ["an empty array", "[]", "json", "empty"],
    ["an empty batch", '{"events":[]}', "json", "empty"],
    ["a hundred thousand brackets", "[".repeat(100_000), "json", "bad_json"],
  ])("splits %s", (_what, text, format, expected) => {
    expect(split(text, format)).toEqual(expected);
  });

  it.each<[string, BodyFormat, (events: string[]) => string]>([
    ["an array", "json", (events) => `[${events.join()}]`],
    ["lines", "lines", (events) => events.join("\n")],
  ])("takes as many events as it may from %s, and not one more", (_what, format, join) => {
    const events = Array.from({ length: REQUEST_EVENTS_MAX }, () => "1");
    expect(split(join(events), format)).toHaveLength(REQUEST_EVENTS_MAX);
    expect(split(join([...events, "1"]), format)).toBe("too_many");
  });

  it.each<BodyFormat>(["json", "lines", "either"])("measures an event in bytes (%s)", (format) => {
    const fits = `"${"é".repeat(EVENT_BYTES_MAX / 2 - 1)}"`;
    expect(split(fits, format)).toEqual([[fits, "ok"]]);
    expect(split(`${fits.slice(0, -1)}x"`, format)).toMatchObject([
      [expect.anything(), "too_large"],
    ]);
  });

  it("refuses bytes that are no UTF-8 rather than repairing them", () => {
    const body = Uint8Array.of(0x22, 0xff, 0x22);
    expect(splitBody(body, "json", NO_TAKER)).toEqual({ kind: "bad_json" });
  });

  it("looks also at what stands beside a batch that is taken", () => {
    const takesAll: EventTaker = {
      ...NO_TAKER,
      scan: (start) => (start === 0 ? NOT_JSON : start + 1),
    };
    const body = encode('{"events":[1],"from":"x"}');
    expect(splitBody(body, "json", takesAll)).toMatchObject({ events: [{ isTaken: true }] });
    body[body.length - 3] = 0xff;
    expect(splitBody(body, "json", takesAll)).toEqual({ kind: "bad_json" });
  });

  // Whatever a stranger sends, the edge answers and goes on.
  it("never throws and never gives back more bytes than it got", () => {
    const formats = fc.constantFrom<BodyFormat>("json", "lines", "either");
    const body = fc.oneof(fc.uint8Array(), mutated(fc.json().map(encode)));
    fc.assert(
      fc.property(body, formats, (bytes, format) => {
        const result = splitBody(bytes, format, NO_TAKER);
        if (result.kind !== "events") return;
        let last = 0;
        for (const { start, end } of result.events) {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThan(start);
          last = end;
        }
        expect(last).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });

  /** Takes every other event, as one that knows only some kinds of them. */
  class EveryOther implements EventTaker {
    readonly #body: Uint8Array;
    taken = 0;
    #calls = 0;

    constructor(body: Uint8Array) {
      this.#body = body;
    }

    scan(start: number, limit: number): number {
      this.#calls += 1;
      const end = skipValue(this.#body, start);
      const isAscii = this.#body.subarray(start, end).every((byte) => byte < 0x80);
      return this.#calls % 2 === 0 && end !== NOT_JSON && end <= limit && isAscii ? end : NOT_JSON;
    }

    keep(): void {
      this.taken += 1;
    }

    discard(): void {
      this.taken = 0;
    }
  }

  /** The plain way: the whole body by JSON.parse. */
  function splitByParser(text: string, format: BodyFormat): unknown {
    if (format === "lines") return linesByParser(text);
    try {
      return eventsOf(JSON.parse(text));
    } catch {
      return format === "json" ? "bad_json" : linesByParser(text);
    }
  }

  function eventsOf(value: unknown): unknown {
    if (Array.isArray(value)) return value.length === 0 ? "empty" : value;
    if (typeof value !== "object" || value === null || !("events" in value)) return [value];
    if ("event_type" in value || !Array.isArray(value.events)) return [value];
    return value.events.length === 0 ? "empty" : value.events;
  }

  function linesByParser(text: string): unknown {
    const lines = text.split("\n").map((line) => line.replace(/^[ \t\r]+|[ \t\r]+$/g, ""));
    const values = lines.filter((line) => line !== "").map(parseLine);
    return values.every((value) => value === BAD_LINE) ? "bad_json" : values;
  }

  const BAD_LINE = { bad: "line" };
  function parseLine(line: string): unknown {
    try {
      return JSON.parse(line);
    } catch {
      return BAD_LINE;
    }
  }

  // A shifted span would put one sender's event under another's error.
  it("finds the events that JSON.parse finds, whoever takes some of them", () => {
    const formats = fc.constantFrom<BodyFormat>("json", "lines", "either");
    const space = fc.constantFrom(0, 1, "\t", "\r\n ");
    const any = fc.jsonValue({ maxDepth: 2 });
    const few = fc.array(any, { maxLength: 3 });
    const value = fc.oneof(
      any,
      fc.record({ events: fc.oneof(few, any) }),
      fc.dictionary(fc.constantFrom("events", "event_type", "a"), few),
    );
    const values = fc.array(value, { maxLength: 4 });
    const body = fc.oneof(
      fc.tuple(fc.oneof(value, values), space).map(([v, s]) => JSON.stringify(v, null, s)),
      values.map((all) => all.map((one) => JSON.stringify(one)).join("\r\n")),
      value.map((one) => JSON.stringify(one).replace('"events"', String.raw`"\u0065vents"`)),
      value.map((one) => JSON.stringify(one).replace("{", '{"events":[7,{}],')),
    );
    fc.assert(
      fc.property(mutated(body.map(encode)), formats, (bytes, format) => {
        const text = new TextDecoder().decode(bytes);
        // Bytes that are no UTF-8, or a mark at the start, are told apart in tests of their own.
        fc.pre(!/[\ufffd\ufeff]/.test(text) && encode(text).length === bytes.length);
        const taker = new EveryOther(bytes);
        const result = splitBody(bytes, format, taker);
        const expected = splitByParser(text, format);
        if (result.kind !== "events") {
          expect(result.kind).toEqual(expected);
          return;
        }
        const values = result.events.map(({ start, end }) =>
          parseLine(decode(bytes.subarray(start, end))),
        );
        expect(values).toEqual(expected);
        expect(taker.taken).toBe(result.events.filter(({ isTaken }) => isTaken).length);
      }),
      { numRuns: 1_500 },
    );
  });
});
