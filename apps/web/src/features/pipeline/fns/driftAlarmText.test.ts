import { expect, it } from "vitest";
import { driftAlarmText } from "./driftAlarmText.ts";

// Not having looked must not read as having found nothing.
it.each([
  [0, 0, null, "Nobody has looked yet."],
  [0, 0, 1, "Live estimate and billing differ by nothing that has no cause."],
  [1, 1, 1, "1 click without a cause in one hour of a campaign: this is an error of ours."],
  [
    1_200,
    3,
    null,
    "1,200 clicks without a cause in 3 hours of campaigns: this is an error of ours.",
  ],
])("says of %d clicks at %d places, looked at %s: %s", (clicks, places, checkedMs, text) => {
  expect(driftAlarmText({ clicks, places, checkedMs })).toBe(text);
});
