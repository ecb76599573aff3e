import { describe, expect, it } from "vitest";
import { countOrder } from "./countOrder.ts";

const days = ["2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25"];
const isOpen = (day: string) => day >= "2026-11-24";

describe("countOrder", () => {
  // What a day is credited with comes from days before it; counted after them, it is final at once.
  it("counts closed days once and oldest first, between two looks at the open ones", () => {
    expect(countOrder({ days, isCounted: () => false, isOpen })).toEqual([
      ...["2026-11-25", "2026-11-24"],
      ...["2026-11-21", "2026-11-22", "2026-11-23"],
      ...["2026-11-24", "2026-11-25"],
    ]);
  });

  it("goes on where a start was broken off, and has nothing to do in the end", () => {
    const counted = new Set(["2026-11-25", "2026-11-24", "2026-11-21"]);
    expect(countOrder({ days, isCounted: (day) => counted.has(day), isOpen })).toEqual([
      ...["2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25"],
    ]);
    expect(countOrder({ days, isCounted: () => true, isOpen })).toEqual([]);
  });
});
