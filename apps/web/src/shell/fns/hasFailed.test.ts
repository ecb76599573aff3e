import { expect, it } from "vitest";
import { hasFailed } from "./hasFailed.ts";

it("has failed only once there was an error, and until there is something to show", () => {
  expect(hasFailed({ data: undefined, errorUpdateCount: 0 })).toBe(false);
  expect(hasFailed({ data: undefined, errorUpdateCount: 1 })).toBe(true);
  expect(hasFailed({ data: { rows: [] }, errorUpdateCount: 1 })).toBe(false);
});
