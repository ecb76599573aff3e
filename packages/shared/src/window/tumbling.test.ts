import { describe, expect, it } from "vitest";
import { windowStartMs } from "./tumbling.ts";

const MINUTE_MS = 60_000;

describe("windowStartMs", () => {
  it.each([
    ["the first millisecond belongs to the window it starts", 120_000, 120_000],
    ["the last millisecond belongs to the window it ends", 179_999, 120_000],
    ["the exclusive end belongs to the next window", 180_000, 180_000],
    ["time zero", 0, 0],
    ["a time before 1970 rounds down, not towards zero", -1, -60_000],
  ])("%s", (_guarantee, eventTimeMs, startMs) => {
    expect(windowStartMs(eventTimeMs, MINUTE_MS)).toBe(startMs);
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses a window size of %s", (sizeMs) => {
    expect(() => windowStartMs(0, sizeMs)).toThrow(RangeError);
  });
});
