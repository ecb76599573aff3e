import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blockLines, countBlockLines, formatCoordinates } from "./block.ts";

const text = (line: Uint8Array) => new TextDecoder().decode(line);
const bytes = (block: string) => new TextEncoder().encode(block);

describe("blockLines", () => {
  it.each([
    ["an empty block has no events", "", []],
    ["a block of one needs no line break", "{}", ["{}"]],
    ["a final line break adds no event", "{}\n", ["{}"]],
    ["a foreign producer may end lines as Windows does", "{}\r\n[]\r\n", ["{}", "[]"]],
    ["empty lines take no index", "{}\n\n\n[]", ["{}", "[]"]],
  ])("%s", (_guarantee, block, lines) => {
    expect(blockLines(bytes(block)).map(text)).toEqual(lines);
    expect(countBlockLines(bytes(block))).toBe(lines.length);
  });

  // Coordinates name events forever; a reader that splits otherwise would name others.
  it("gives back the lines that were joined, whatever JSON strings hold", () => {
    fc.assert(
      fc.property(fc.array(fc.json(), { minLength: 1 }), (values) => {
        const lines = values.map((value) => JSON.stringify(JSON.parse(value)));
        expect(blockLines(bytes(lines.join("\n"))).map(text)).toEqual(lines);
      }),
    );
  });
});

it("writes coordinates as partition, offset and index", () => {
  expect(formatCoordinates({ partition: 3, offset: 18n, index: 0 })).toBe("3:18:0");
});
