import fc from "fast-check";
import { expect, it } from "vitest";
import { z } from "zod";
import { parseHotLines } from "./parseHotLines.ts";

const count = z.number().int().nonnegative();
/** What is to be taken, and as what. */
const schema = z.array(
  z
    .tuple([
      ...[z.number().int(), z.string(), z.string(), z.string()],
      ...[count, count, count, count, count, count, z.number().int(), count.nullable()],
    ] as const)
    .transform(([bucket, advertiser, campaign, currency, ...counts]) => {
      const [clicks, invalidClicks, givtClicks, duplicateClicks, ...others] = counts;
      const [impressions, conversions, costMicros, uniqueUsers] = others;
      const place = { bucket, advertiser, campaign, currency };
      const events = { clicks, invalidClicks, givtClicks, duplicateClicks };
      return { ...place, ...events, impressions, conversions, costMicros, uniqueUsers };
    }),
);

const counts = fc.oneof(fc.nat(), fc.maxSafeNat());
const line = fc.tuple(
  ...[fc.maxSafeInteger(), fc.string(), fc.string(), fc.string()],
  ...[counts, counts, counts, counts, counts, counts, fc.maxSafeInteger(), fc.option(counts)],
);

const told = (text: string) => {
  try {
    return parseHotLines(text);
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return null;
  }
};
const expected = (text: string) => schema.safeParse(JSON.parse(text)).data ?? null;

it("takes what the schema takes, as that", () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
      const text = JSON.stringify(lines);
      expect(expected(text)).not.toBeNull();
      expect(told(text)).toEqual(expected(text));
    }),
  );
});

const other = fc.oneof(
  fc.constantFrom(null, -1, 0.5, 2 ** 53, "1", "", true, [], {}),
  fc.jsonValue(),
);

it("refuses what the schema refuses, wherever it stands", () => {
  fc.assert(
    fc.property(line, fc.nat({ max: 12 }), other, (known, at, value) => {
      const values: readonly unknown[] = known;
      const text = JSON.stringify([values.toSpliced(at, at % 2, value), values]);
      expect(told(text)).toEqual(expected(text));
      const whole = JSON.stringify([values.toSpliced(at, 1, value)]);
      expect(told(whole)).toEqual(expected(whole));
    }),
  );
  for (const text of ["null", "{}", '"[]"', "[[]]", "[null]"]) {
    expect(told(text)).toEqual(expected(text));
  }
});
