import { expect, it } from "vitest";
import { valueWord } from "./dimensions.ts";

it.each([
  ["geo", "DE", "Germany"],
  ["geo", "ZZ", "Unknown country"],
  ["geo", "not a code", "not a code"],
  ["device", "mobile", "Phone"],
  ["device", "fridge", "fridge"],
  ["publisher", "", "Not named"],
] as const)("calls the %s %s by its word", (dimension, value, word) => {
  expect(valueWord(dimension, value)).toBe(word);
});
