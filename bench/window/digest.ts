/** Whether two programs have counted alike, without sending the counts. */
import { hash } from "node:crypto";

export interface Count {
  readonly clicks: number;
  readonly impressions: number;
  readonly costMicros: number;
}

/** @param counts By `cube/campaign/second of the minute's start/value`. */
export function digestOf(counts: Iterable<readonly [string, Count]>): string {
  const lines = Array.from(
    counts,
    ([key, { clicks, impressions, costMicros }]) => `${key} ${clicks} ${impressions} ${costMicros}`,
  );
  return `${lines.length} cells, sha-256 ${hash("sha256", lines.sort().join("\n"))}`;
}
