import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HASH_KEY } from "../testing/fixtures.ts";
import { HashedText, TEXT_WORD } from "./hashedText.ts";
import { Interner, NOT_INTERNED } from "./interner.ts";
import { IdHash, SpanHash, wordAt } from "./spanHash.ts";

const view = (text: string) => new DataView(new TextEncoder().encode(text).buffer);

describe("hashes", () => {
  const text = fc.string({ unit: "binary-ascii", maxLength: 70 });

  it("tell apart texts that differ, by a byte, by length, or by zeros at the end", () => {
    const hash = new IdHash(HASH_KEY);
    const all = (of: DataView) => {
      hash.hash(of, 0, of.byteLength);
      return [hash.word0, hash.word1, hash.word2, hash.word3];
    };
    fc.assert(
      fc.property(text, text, (one, other) => {
        fc.pre(one !== other);
        expect(all(view(one))).not.toEqual(all(view(other)));
        expect(all(view(one))).not.toEqual(all(view(`${one}\0`)));
      }),
      { examples: [["", "\u0001"]] },
    );
  });

  // Sets of users are kept, and grow by hashes of later releases.
  it.each([
    ["", [1_229_832_090, -1_478_574_503, -1_475_838_660, -852_439_102]],
    ["u_1", [1_453_462_334, 351_913_654, -1_003_424_698, 1_666_263_760]],
    ["0123456789abcdef", [-528_462_666, 1_159_862_566, -381_342_198, 1_591_122_762]],
    [
      "5f3c2a10-0000-4000-8000-00000000000f",
      [1_014_086_250, -419_379_316, 1_432_310_640, 949_915_562],
    ],
  ])("of %j is the same for ever", (name, words) => {
    const hash = new IdHash(Int32Array.of(1, 2, 3, 4));
    hash.hash(view(name), 0, name.length);
    expect([hash.word0, hash.word1, hash.word2, hash.word3]).toEqual(words);
  });

  it("of a short text that is read at once are those of its words one by one", () => {
    const hash = new SpanHash(HASH_KEY);
    const padded = fc.tuple(text, fc.nat({ max: 20 }));
    fc.assert(
      fc.property(padded, fc.string({ maxLength: 24 }), ([name, before], after) => {
        const bytes = view(`${" ".repeat(before)}${name}${after}`);
        const read = new HashedText();
        hash.read(read, bytes, before, before + name.length);
        const alone = view(name);
        const word = (at: number) => wordAt(alone, 4 * at, name.length);
        expect(read.hash).toBe(hash.hash(alone, 0, name.length));
        expect([read.word0, read.word1, read.word2, read.word3]).toEqual([0, 1, 2, 3].map(word));
        expect([read.start, read.length]).toEqual([before, name.length]);
      }),
    );
  });

  // A sender who knew which ids meet could make one click take another's place.
  it("meet elsewhere under another key", () => {
    const one = new SpanHash(HASH_KEY);
    const other = new SpanHash(Int32Array.of(5, 6, 7, 8));
    const names = Array.from({ length: 1_000 }, (_none, at) => view(`name-${at}`));
    const bucketsOf = (hash: SpanHash) =>
      names.map((name) => hash.hash(name, 0, name.byteLength) & 0xff);
    const same = bucketsOf(one).filter((bucket, at) => bucket === bucketsOf(other)[at]);
    expect(same.length).toBeLessThan(50);
    expect(new Set(bucketsOf(one)).size).toBeGreaterThan(200);
  });
});

describe("the interner", () => {
  it("gives each text an integer of its own, even where all hashes are equal", () => {
    const texts = fc.array(
      fc.string({ maxLength: 24, unit: fc.constantFrom("a", "b", "\0", "ü") }),
      {
        maxLength: 200,
      },
    );
    fc.assert(
      fc.property(texts, fc.boolean(), (words, crowded) => {
        const interner = new Interner();
        const hash = new SpanHash(HASH_KEY);
        const read = new HashedText();
        const known = new Map<string, number>();
        for (const text of words) {
          const bytes = view(text);
          hash.read(read, bytes, 0, bytes.byteLength);
          if (crowded) read.words[TEXT_WORD.hash] = 7;
          expect(interner.find(bytes, read)).toBe(known.get(text) ?? NOT_INTERNED);
          const entry = interner.intern(bytes, read);
          expect(entry).toBe(known.get(text) ?? known.size);
          known.set(text, entry);
          expect(interner.text(entry)).toBe(text);
        }
      }),
    );
  });
});
