import { VERDICT_CLASS } from "@trueclick/shared/verdict";

/** The verdicts of general invalid traffic. */
export const GIVT_VERDICTS = Object.entries(VERDICT_CLASS).flatMap(([verdict, verdictClass]) =>
  verdictClass === "givt" ? [verdict] : [],
);

/**
 * SQL of a sub-query: what the stream did not count and why, as it stands after backfills. An event
 * that a backfill counted after all has no row.
 *
 * @param condition Tenant, hours, ids: nothing that a correction may change.
 * @param mayBeCorrected False where no hour of them was ever marked dirty: a backfill corrects no other, and
 *   the corrections, even none, take as long to plan as all else.
 */
export function streamEvidenceSql(condition: string, mayBeCorrected = true): string {
  if (!mayBeCorrected) return `(SELECT * FROM stream_rejects FINAL WHERE ${condition})`;
  return `(
    SELECT * FROM stream_rejects FINAL
    WHERE ${condition} AND (partition, offset, \`index\`) NOT IN (
      SELECT partition, offset, \`index\` FROM stream_corrections WHERE ${condition})
    UNION ALL
    SELECT * FROM stream_corrections FINAL WHERE ${condition} AND reason != '')`;
}
