import fc from "fast-check";
import { expect, it } from "vitest";
import { type Canonical, canonicalJson } from "./canonicalJson.ts";

it("writes keys in the order of their code units and nothing between tokens", () => {
  expect(canonicalJson({ b: [1, null, true], a: { z: "\u20ac\n", A: -1 } })).toBe(
    '{"a":{"A":-1,"z":"€\\n"},"b":[1,null,true]}',
  );
});

it.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("refuses %s", (value) => {
  expect(() => canonicalJson({ value })).toThrow(RangeError);
});

const canonical = fc.letrec<{ value: Canonical }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger().map((value) => value + 0),
    fc.string({ unit: "binary" }),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

// The text is hashed: two texts of one value would be two versions of one bill.
it("has one text for a value, whatever order its keys were set in, and loses nothing", () => {
  fc.assert(
    fc.property(canonical.value, (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(value);
      expect(canonicalJson(reversed(value))).toBe(text);
    }),
  );
});

function reversed(value: Canonical): Canonical {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).reverse());
}
