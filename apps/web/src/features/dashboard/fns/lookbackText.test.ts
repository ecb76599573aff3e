import { expect, it } from "vitest";
import { lookbackText } from "./lookbackText.ts";

it.each([
  [[], "within the look-back window"],
  [[30, 30], "within 30 days"],
  [[1], "within 1 day"],
  [[30, 7, 30], "within 7 to 30 days, as set for each campaign"],
])("says of %j: %s", (days, text) => {
  expect(lookbackText(days)).toBe(text);
});
