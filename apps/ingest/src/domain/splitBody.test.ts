import { EVENT_BYTES_MAX } from "@trueclick/shared/event/envelope";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BodyFormat, REQUEST_EVENTS_MAX, splitBody } from "./splitBody.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function split(text: string, format: BodyFormat) {
  const body = splitBody(encode(text), format);
  if (body.kind !== "events") return body.kind;
  return body.events.map(({ bytes, parsed }) => [decode(bytes), parsed.ok ? "ok" : parsed.code]);
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
    expect(splitBody(Uint8Array.of(0x22, 0xff, 0x22), "json")).toEqual({ kind: "bad_json" });
  });

  // Whatever a stranger sends, the edge answers and goes on.
  it("never throws and never gives back more bytes than it got", () => {
    const formats = fc.constantFrom<BodyFormat>("json", "lines", "either");
    const body = fc.oneof(fc.uint8Array(), fc.json().map(encode));
    fc.assert(
      fc.property(body, formats, (bytes, format) => {
        const result = splitBody(bytes, format);
        if (result.kind !== "events") return;
        const total = result.events.reduce((sum, event) => sum + event.bytes.length, 0);
        expect(total).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
