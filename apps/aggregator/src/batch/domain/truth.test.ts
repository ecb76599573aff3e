import { expect, it } from "vitest";
import {
  type BuildSummary,
  findDiscrepancy,
  NOT_GROSS_VERDICTS,
  NOT_NET_VERDICTS,
} from "./truth.ts";

const summary: BuildSummary = {
  lines: [],
  eventsByVerdict: { valid: 7, duplicate: 2, prefetch: 1 },
  clicksByVerdict: {},
  rejects: { rows: 3, digest: "" },
  cells: [],
};

// I2 for truth: what was read is either counted or has a reason.
it("finds events without a verdict and verdicts without evidence", () => {
  expect(findDiscrepancy(10, summary)).toBeNull();
  expect(findDiscrepancy(11, summary)).toContain("11 events of the day, but 10 verdicts");
  const lost = { ...summary, rejects: { rows: 2, digest: "" } };
  expect(findDiscrepancy(10, lost)).toContain("3 events are not valid, but 2 rows");
});

it("takes duplicates and tests out of gross, and general invalid traffic out of net", () => {
  expect(NOT_GROSS_VERDICTS).toEqual(["duplicate", "id_conflict", "test"]);
  expect(NOT_NET_VERDICTS).toEqual([
    "duplicate",
    "id_conflict",
    "bot_user_agent",
    "not_a_browser",
    "datacenter_ip",
    "prefetch",
    "test",
  ]);
});
