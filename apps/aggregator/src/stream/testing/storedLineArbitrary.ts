import {
  DEVICES,
  EVENT_FLAGS,
  EVENT_TYPES,
  storedEventSchema,
} from "@trueclick/shared/event/stored";
import fc from "fast-check";
import { storedClick } from "./fixtures.ts";

const FIELDS = Object.keys(storedEventSchema.shape);

/** Values that are right for some field, at a limit, or wrong for all. */
const value = fc.oneof(
  fc.constantFrom<unknown>(...EVENT_TYPES, ...DEVICES, "DE", "Z", "", null, true, 0, 1, -1, 1.5),
  fc.constantFrom<unknown>("x".repeat(64), "x".repeat(65), "y".repeat(128), "y".repeat(129)),
  fc.constantFrom<unknown>(2 ** 53 - 1, 2 ** 53, -(2 ** 53), 1e300, [], {}, [1], { a: { b: 1 } }),
  fc.constantFrom<unknown>(["prefetch"], ["prefetch", "no_such_flag"], [...EVENT_FLAGS], "evt-1"),
  fc.constantFrom<unknown>('qu"ote', "back\\slash", "tab\t", "ö", "\ud800", "日本", "\u007f"),
  fc.constantFrom<unknown>(999_999_999_999, 9_999_999_999_999, 10_000_000_000_000, 1e15, 1e16),
  fc.integer({ min: 0, max: 2 ** 48 }),
  fc.jsonValue(),
);

/** A stored event as JSON: some fields changed, removed, moved, or unheard of. */
const stored = fc
  .record({
    changes: fc.dictionary(fc.constantFrom(...FIELDS, "unheard_of", "__proto__"), value, {
      maxKeys: 3,
    }),
    removed: fc.subarray(FIELDS, { maxLength: 2 }),
    turned: fc.nat({ max: 5 }),
  })
  .map(({ changes, removed, turned }) => {
    const entries = Object.entries({ ...storedClick(), ...changes });
    const kept = entries.filter(([key]) => !removed.includes(key));
    const moved = [...kept.slice(turned), ...kept.slice(0, turned)];
    return JSON.stringify(Object.fromEntries(moved));
  });

/** A stored line with a few characters exchanged, put in or taken out. */
const damaged = fc
  .tuple(
    stored,
    fc.nat(),
    fc.nat({ max: 3 }),
    fc.constantFrom("", '"', "{", "}", ",", " ", "\\", "0"),
  )
  .map(([line, place, removed, put]) => {
    const at = place % line.length;
    return line.slice(0, at) + put + line.slice(at + removed);
  });

/** Lines that are stored events, nearly so, or nothing of the kind. */
export const storedLine = fc.oneof(
  { weight: 4, arbitrary: stored },
  { weight: 2, arbitrary: damaged },
  { weight: 1, arbitrary: fc.oneof(fc.json(), fc.string()) },
);
