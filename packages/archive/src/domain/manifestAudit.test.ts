import { expect, it } from "vitest";
import { type AuditedStretch, ManifestAudit } from "./manifestAudit.ts";

function stretch(firstOffset: bigint, lastOffset: bigint, rows = 10n): AuditedStretch {
  return { partition: 0, firstOffset, lastOffset, events: 10n, rows };
}

it.each([
  ["a gap", [stretch(0n, 4n), stretch(6n, 9n)], "gap"],
  ["an overlap", [stretch(0n, 4n), stretch(4n, 9n)], "overlap"],
  ["a stretch inside another", [stretch(0n, 9n), stretch(2n, 3n), stretch(10n, 12n)], "overlap"],
  ["fewer rows than events", [stretch(0n, 12n, 9n)], "rows_differ"],
])("finds %s", (_what, stretches, kind) => {
  const audit = new ManifestAudit();
  expect(stretches.flatMap((one) => audit.add(one)).map((problem) => problem.kind)).toEqual([kind]);
});

it("finds a checkpoint that is not behind the last stretch", () => {
  const audit = new ManifestAudit();
  audit.add(stretch(0n, 4n));
  expect(audit.finish(0, 5n)).toEqual([]);
  expect(audit.finish(0, 4n).map(({ kind }) => kind)).toEqual(["checkpoint_differs"]);
});
