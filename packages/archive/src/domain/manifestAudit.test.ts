import { expect, it } from "vitest";
import { type AuditedStretch, auditLog, ManifestAudit } from "./manifestAudit.ts";

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

it("misses partitions that nobody archived, and what the log gave up before it was", () => {
  const range = (partition: number, startOffset: bigint, endOffset: bigint) => {
    return { partition, startOffset, endOffset };
  };
  const checkpoints = [0, 1, 2].map((partition) => ({ partition, nextOffset: 5n }));
  // One that waits for its turn, one that was archived to the last that the log gave up, one without.
  const whole = [range(0, 0n, 9n), range(1, 5n, 9n), range(3, 0n, 0n)];
  expect(auditLog(whole, checkpoints)).toEqual([]);
  expect(auditLog([range(2, 6n, 9n), range(3, 0n, 2n), range(4, 7n, 7n)], checkpoints)).toEqual([
    {
      kind: "not_archived",
      partition: 2,
      detail: "offsets 5-5 are not archived, and the log has them no more",
    },
    {
      kind: "not_archived",
      partition: 3,
      detail: "the log had offsets 0-1, and nobody has ever archived it",
    },
    {
      kind: "not_archived",
      partition: 4,
      detail: "the log had offsets 0-6, and nobody has ever archived it",
    },
  ]);
});
