import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mutated } from "../testing/mutatedBytes.ts";
import { NOT_JSON, saysText, skipSpace, skipString, skipValue, trimSpace } from "./jsonScan.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (part: Uint8Array) => new TextDecoder().decode(part);

/** What `JSON.parse` says of bytes that are UTF-8; null of others. */
function isJsonByParser(json: Uint8Array): boolean | null {
  let decoded: string;
  try {
    decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json);
  } catch {
    return null;
  }
  try {
    JSON.parse(decoded);
    return true;
  } catch {
    return false;
  }
}

function isJson(json: Uint8Array): boolean {
  const end = skipValue(json, skipSpace(json, 0));
  return end !== NOT_JSON && skipSpace(json, end) === json.length;
}

describe("skipValue", () => {
  it.each([
    ["a string", '"a\\"]" ,', 6],
    ["a number", "-0.5e+7]", 7],
    ["a word", "null}", 4],
    ["nested brackets", '[{"a":[]},{}] ', 13],
    ["nothing", "", NOT_JSON],
    ["a comma too many", "[1,]", NOT_JSON],
    ["a leading zero, up to where it is a number", "01", 1],
    ["brackets that close each other", "[}", NOT_JSON],
    ["a name without quotes", "{a:1}", NOT_JSON],
    ["a control character", '"\n"', NOT_JSON],
    ["half an escape", '"\\u12"', NOT_JSON],
    ["a hundred thousand brackets", "[".repeat(100_000), NOT_JSON],
  ])("finds where a value ends: %s", (_what, json, end) => {
    expect(skipValue(bytes(json), 0)).toBe(end);
  });

  // Where the two differ, an event would be cut from a text that is none, or a good one refused.
  it("takes for JSON what JSON.parse does, and nothing else", () => {
    const seen = { json: 0, other: 0 };
    fc.assert(
      fc.property(mutated(fc.json({ depthSize: "small" }).map(bytes)), (json) => {
        const expected = isJsonByParser(json);
        if (expected === null) return;
        seen[expected ? "json" : "other"] += 1;
        expect(isJson(json), JSON.stringify(text(json))).toBe(expected);
      }),
      { numRuns: 5_000 },
    );
    expect(seen.json).toBeGreaterThan(500);
    expect(seen.other).toBeGreaterThan(500);
  });
});

const SUITE = fileURLToPath(
  new URL("../../../../../shared/data/json/test_parsing/", import.meta.url),
);

describe.runIf(existsSync(SUITE))("JSONTestSuite", () => {
  it("is read as JSON.parse reads it, every text of it", () => {
    const files = readdirSync(SUITE);
    expect(files.length).toBeGreaterThan(300);
    for (const file of files) {
      const json = new Uint8Array(readFileSync(`${SUITE}${file}`));
      const expected = isJsonByParser(json);
      if (expected !== null) expect(isJson(json), file).toBe(expected);
    }
  });
});

it("finds the end of a string", () => {
  expect(skipString(bytes(String.raw`"\u0065vents\"" : 1`), 0)).toBe(15);
});

describe("saysText", () => {
  const says = (json: string, said: string) =>
    saysText(bytes(json), 0, bytes(json).length, bytes(said));

  // A name that is overlooked would make one event of a whole batch.
  it("says of a string what JSON.parse says of it", () => {
    const letter = fc.constantFrom(
      "e",
      String.raw`\u0065`,
      String.raw`\u0045`,
      "é",
      "n",
      String.raw`\n`,
    );
    const name = fc.constantFrom("", "e", "ee", "en");
    const seen = { same: 0, other: 0 };
    fc.assert(
      fc.property(fc.array(letter, { maxLength: 3 }), name, (letters, said) => {
        const json = `"${letters.join("")}"`;
        const isSame = JSON.parse(json) === said;
        seen[isSame ? "same" : "other"] += 1;
        expect(says(json, said), json).toBe(isSame);
      }),
      { numRuns: 2_000 },
    );
    expect(seen.same).toBeGreaterThan(100);
    expect(seen.other).toBeGreaterThan(100);
  });
});

it("takes white space of JSON off, and nothing else", () => {
  expect(text(trimSpace(bytes(" \t\r\n{} \u00a0 ")))).toBe("{} \u00a0");
  expect(text(trimSpace(bytes(" \n ")))).toBe("");
});
