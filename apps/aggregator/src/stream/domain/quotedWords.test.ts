import { DEVICES, EVENT_TYPES } from "@trueclick/shared/event/stored";
import { expect, it } from "vitest";
import { NO_WORD, QuotedWords } from "./quotedWords.ts";

const BEFORE = "xy";

function viewOf(text: string): DataView {
  const bytes = new TextEncoder().encode(BEFORE + text);
  return new DataView(bytes.buffer);
}

it.each([
  ["event types", EVENT_TYPES],
  ["devices", DEVICES],
])("finds each of the %s, and nothing that only looks like one", (_what, all) => {
  const words = new QuotedWords(all);
  const start = BEFORE.length;
  for (const [place, word] of all.entries()) {
    const quoted = `"${word}"`;
    const end = start + quoted.length;
    expect([words.find(viewOf(quoted), start, end), words.lengthOf(place)]).toEqual([
      ...[place, quoted.length],
    ]);
    expect(words.at(viewOf(`${quoted},`), start)).toBe(place);
    for (let at = 0; at < quoted.length; at += 1) {
      const other = `${quoted.slice(0, at)}~${quoted.slice(at + 1)}`;
      expect(words.find(viewOf(other), start, end)).toBe(NO_WORD);
      expect(words.at(viewOf(other), start)).toBe(NO_WORD);
      // Cut short, or with more behind it.
      expect(words.find(viewOf(quoted), start, start + at)).toBe(NO_WORD);
      expect(words.find(viewOf(quoted.slice(0, at)), start, end)).toBe(NO_WORD);
      expect(words.find(viewOf(`${quoted}~`), start, end + 1)).toBe(NO_WORD);
    }
  }
  expect(words.lengthOf(NO_WORD)).toBe(0);
});

it("takes no words that one comparison would not tell apart", () => {
  expect(() => new QuotedWords(["tablet", "tumble"])).toThrow(RangeError);
  expect(() => new QuotedWords(["a".repeat(30)])).toThrow(RangeError);
});
