import { HOUR_MS } from "@trueclick/shared/time";
import fc from "fast-check";
import { expect, it } from "vitest";
import { planSlices } from "./slices.ts";

const objects = fc.array(
  fc
    .record({ hour: fc.nat({ max: 24 }), rows: fc.integer({ min: 1, max: 100 }), serial: fc.nat() })
    .map(({ hour, rows, serial }) => ({
      path: `raw/${hour}/${serial}`,
      sha256: "",
      rows,
      eventHourMs: hour * HOUR_MS,
    })),
);

// An hour in two slices would let a retry count once in each; a lost object would not be billed.
it("judges every object once, and no hour in two slices", () => {
  fc.assert(
    fc.property(objects, objects, fc.integer({ min: 1, max: 500 }), (own, copies, rowsMax) => {
      const slices = planSlices(
        { objects: own, following: copies, copies, preceding: [], precedingHours: 0 },
        rowsMax,
      );
      const planned = slices.flatMap((slice) => slice.objects);
      expect(planned).toHaveLength(own.length);
      expect(new Set(planned)).toEqual(new Set(own));
      const hours = slices.map(
        (slice) => new Set(slice.objects.map((object) => object.eventHourMs)),
      );
      const total = hours.reduce((sum, { size }) => sum + size, 0);
      expect(new Set(own.map(({ eventHourMs }) => eventHourMs)).size).toBe(total);
      for (const [at, slice] of slices.entries()) {
        const rows = slice.objects.reduce((sum, object) => sum + object.rows, 0);
        expect(rows <= rowsMax || hours[at]?.size === 1).toBe(true);
        const others = copies.filter(({ eventHourMs }) => !hours[at]?.has(eventHourMs));
        expect(slice.copies).toEqual(others);
        const afterMs = Math.max(...(hours[at] ?? [])) + HOUR_MS;
        expect(slice.following).toEqual(
          [...own, ...copies].filter(({ eventHourMs }) => eventHourMs === afterMs),
        );
      }
    }),
  );
});
