import fc from "fast-check";
import { expect, it } from "vitest";
import { type InputLine, LINE_BYTES_MAX, readLines } from "./readLines.ts";

async function* chunked(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) {
    yield bytes.subarray(start, start + size);
  }
}

async function collect(bytes: Buffer, size: number) {
  const lines: InputLine[] = [];
  for await (const line of readLines(chunked(bytes, size))) lines.push(line);
  return lines;
}

// A file is read in pieces that end anywhere, within a character too.
it("finds the same lines wherever the pieces end", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", " "))),
      fc.integer({ min: 1, max: 9 }),
      async (lines, size) => {
        const text = lines.map((line) => `${line}\n`).join("");
        const read = await collect(Buffer.from(text), size);
        expect(read.map(({ bytes }) => bytes.toString())).toEqual(lines);
      },
    ),
  );
});

it("reads a last line that has no line break", async () => {
  const read = await collect(Buffer.from("a\n\nb"), 2);
  expect(read.map(({ bytes }) => bytes.toString())).toEqual(["a", "", "b"]);
});

it("keeps no more of a line than its limit, and says so", async () => {
  const text = Buffer.concat([Buffer.alloc(LINE_BYTES_MAX + 1, "x"), Buffer.from("\nnext")]);
  const [first, second] = await collect(text, 1000);
  expect(first).toMatchObject({ isTooLong: true });
  expect(first?.bytes.length).toBe(LINE_BYTES_MAX);
  expect(second?.bytes.toString()).toBe("next");
});
