import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { elementSpans, fieldStart, trimSpace } from "./jsonSpans.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (part: Uint8Array) => new TextDecoder().decode(part);
const elements = (json: string, start = 0) =>
  elementSpans(bytes(json), start).map((span) => text(bytes(json).subarray(span.start, span.end)));

describe("elementSpans", () => {
  it.each([
    ["nothing in it", " [ ] ", []],
    ["brackets inside strings", '["]","[{"]', ['"]"', '"[{"']],
    ["escaped quotes", String.raw`["\"","\\"]`, [String.raw`"\""`, String.raw`"\\"`]],
    ["numbers and words up to their end", "[1 ,true\n, null]", ["1", "true", "null"]],
    ["nested arrays whole", "[[1,[2]],{}]", ["[1,[2]]", "{}"]],
  ])("finds %s", (_what, json, expected) => {
    expect(elements(json)).toEqual(expected);
  });

  // A shifted span would put one sender's event under another's error.
  it("finds each element where JSON.parse finds it, however the text is spaced", () => {
    const indent = fc.constantFrom(0, 1, "\t", "\r\n ");
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), indent, (values, space) => {
        const json = ` ${JSON.stringify(values, null, space)}\n`;
        expect(elements(json).map((element) => JSON.parse(element))).toEqual(JSON.parse(json));
      }),
    );
  });
});

describe("fieldStart", () => {
  it.each([
    ["a field behind others", '{"a":{"events":[0]},"events":[1]}', ["1"]],
    ["the last of two, as JSON.parse does", '{"events":[1],"events":[2]}', ["2"]],
    ["a name written with escapes", String.raw`{"\u0065vents" : [3]}`, ["3"]],
  ])("finds %s", (_what, json, expected) => {
    expect(elements(json, fieldStart(bytes(json), "events"))).toEqual(expected);
  });

  it("says when the field is not there", () => {
    expect(fieldStart(bytes('{"event":[]}'), "events")).toBe(-1);
  });
});

it("takes white space of JSON off, and nothing else", () => {
  expect(text(trimSpace(bytes(" \t\r\n{} \u00a0 ")))).toBe("{} \u00a0");
  expect(text(trimSpace(bytes(" \n ")))).toBe("");
});
