import fc from "fast-check";
import { expect, it } from "vitest";
import { LineIndex } from "./lineIndex.ts";

/** Of what matters, and of what does not, some; over several chunks. */
const byte = fc.oneof(
  fc.constantFrom(...Buffer.from('"\\\n\t {}a:\u007f')),
  fc.constantFrom(0, 0x1f, 0x20, 0x80, 0xff),
  fc.nat({ max: 255 }),
);
const block = fc.uint8Array({ maxLength: 90 }).chain(({ length }) => {
  return fc
    .array(byte, { minLength: length, maxLength: length })
    .map((all) => Uint8Array.from(all));
});

const isSpecial = (value: number) =>
  value === 0x22 || value === 0x5c || value < 0x20 || value >= 0x80;

/** All that a text may have without a special byte. */
const PLAIN = Array.from({ length: 0x60 }, (_none, at) => String.fromCharCode(0x20 + at)).filter(
  (character) => character !== '"' && character !== "\\",
);
const ID_CHARACTERS = PLAIN.filter((character) => /[A-Za-z0-9_.:-]/.test(character));

/** The definition: what is special from `at` on, to the first line feed or the one behind. */
function specialsOf(bytes: Uint8Array, at: number): number[] {
  const feed = bytes.indexOf(0x0a, at);
  const end = feed === -1 ? bytes.length : feed;
  const places = Array.from({ length: end - at }, (_none, place) => at + place);
  return [...places.filter((place) => isSpecial(bytes[place] ?? 0)), end];
}

// A special byte that is passed over would let a reader take two texts for one.
it("finds every special byte of a line, wherever it begins and whatever was read before", () => {
  const index = new LineIndex();
  fc.assert(
    fc.property(block, fc.nat(), (bytes, start) => {
      const at = start % (bytes.length + 1);
      index.load(bytes);
      const found = index.find(at);
      expect([...index.positions.subarray(0, found)]).toEqual(specialsOf(bytes, at));
    }),
    { numRuns: 500 },
  );
});

it("goes on with what it expects when a greater block takes a greater memory", () => {
  const index = new LineIndex();
  index.load(Buffer.from('{"a":1}'));
  index.expect(3, [{ special: 0, before: 1, text: '{"a":' }]);
  index.load(Buffer.concat([Buffer.from('{"a":2}\n{"b":3}\n'), Buffer.alloc(2_000_000, "x")]));
  expect([index.find(0), index.matches(3)]).toEqual([3, true]);
  expect([index.find(8), index.matches(3)]).toEqual([3, false]);
});

it("tells ids from other texts, byte by byte", () => {
  const index = new LineIndex();
  const texts = fc.array(
    fc.oneof(
      { weight: 60, arbitrary: fc.constantFrom(...ID_CHARACTERS) },
      fc.constantFrom(...PLAIN),
    ),
    { maxLength: 70 },
  );
  fc.assert(
    fc.property(texts, (characters) => {
      const text = characters.join("");
      // What stands around it is none of it.
      index.load(Buffer.from(`{"${text}"}{}{}{}{}{}{}{}{}\n`));
      index.find(0);
      expect(index.isId(0)).toBe(/^[A-Za-z0-9_.:-]*$/.test(text));
    }),
    { numRuns: 500 },
  );
  for (const character of PLAIN) {
    index.load(Buffer.from(`{"aaaaaaaaaaaaaaaaa${character}"}\n`));
    index.find(0);
    expect([character, index.isId(0)]).toEqual([character, ID_CHARACTERS.includes(character)]);
  }
});

it("ends in a line of too many special bytes", () => {
  const index = new LineIndex();
  index.load(new Uint8Array(10_000).fill(0x22));
  const found = index.find(0);
  expect(found).toBeLessThanOrEqual(index.positions.length);
  expect([...index.positions.subarray(0, found)]).toEqual(
    Array.from({ length: found }, (_, i) => i),
  );
});
