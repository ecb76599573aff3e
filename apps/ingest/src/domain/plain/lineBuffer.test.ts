import { expect, it } from "vitest";
import { LineBuffer } from "./lineBuffer.ts";
import { pieceOf } from "./stampPieces.ts";

/** Around whole words, and around the length from which on they are copied otherwise. */
const LENGTHS = [0, 1, 7, 8, 9, 15, 16, 17, 95, 96, 97, 200];

it("copies runs of any length from any place, and leaves what stands before them", () => {
  const body = Buffer.from(Array.from({ length: 400 }, (_, at) => 33 + (at % 90)));
  for (const length of LENGTHS) {
    for (const start of [0, 1, 3, 150]) {
      const buffer = new LineBuffer();
      buffer.load(body);
      buffer.reserve(length + 2);
      const at = buffer.at;
      buffer.put(pieceOf("<"));
      buffer.copy(start, start + length);
      buffer.put(pieceOf(">"));
      const line = buffer.bytes.toString("latin1", at, buffer.at);
      expect(line).toBe(`<${body.toString("latin1", start, start + length)}>`);
      expect(buffer.bytes.subarray(0, body.length).equals(body)).toBe(true);
    }
  }
});

it("puts pieces of any length, in UTF-8", () => {
  for (const text of [...LENGTHS.map((length) => "x".repeat(length)), "Käse ☃", "é".repeat(60)]) {
    const buffer = new LineBuffer();
    buffer.load(Buffer.from("{}"));
    const at = buffer.at;
    buffer.put(pieceOf(text));
    buffer.put(pieceOf("|"));
    expect(buffer.bytes.toString("utf8", at, buffer.at)).toBe(`${text}|`);
  }
});

it("has room for the word that the last reserved byte is part of", () => {
  const buffer = new LineBuffer();
  const room = buffer.bytes.length;
  buffer.load(Buffer.alloc(room - 10, 0x20));
  buffer.reserve(9);
  buffer.put(pieceOf("12345"));
  buffer.put(pieceOf("6789"));
  expect(buffer.bytes.toString("latin1", buffer.at - 9, buffer.at)).toBe("123456789");
});
