import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import { hoursTouched, type InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { campaignRows } from "../domain/campaignSql.ts";
import type { PinnedCampaign } from "../domain/inputs.ts";
import { JobRefusedError } from "../ports/jobQueue.ts";

/** Objects with copies of one day's ids. Past it a source reuses its ids, and a person must look. */
const COPY_OBJECTS_MAX = 20_000;

const pathRow = z.object({ path: z.string() });

/** As `TruthEngine.findCopies` has it. */
export async function findCopies(
  clickhouse: ClickHouseClient,
  campaigns: readonly PinnedCampaign[],
  bounds: InstantRange,
  settings: ClickHouseSettings,
): Promise<string[]> {
  const hours = hoursTouched(bounds);
  const [first, last] = [hours.at(0), hours.at(-1)];
  if (first === undefined || last === undefined) return [];
  const result = await clickhouse.query({
    query: findCopiesSql(campaignRows(campaigns)),
    query_params: {
      fromSeconds: first / SECOND_MS,
      toSeconds: (last + HOUR_MS) / SECOND_MS,
      limit: COPY_OBJECTS_MAX + 1,
    },
    format: "JSONEachRow",
    clickhouse_settings: { ...settings, log_comment: "batch.findCopies" },
  });
  const rows = z.array(pathRow).parse(await result.json());
  if (rows.length > COPY_OBJECTS_MAX) {
    throw new JobRefusedError(
      `ids of this day come back in more than ${COPY_OBJECTS_MAX} objects of other hours: ` +
        "a source gives the same ids to different events",
    );
  }
  return rows.map(({ path }) => path);
}

/**
 * Rows that a search wrote twice change nothing.
 *
 * @param campaigns A sub-query with the ids that are the advertiser's.
 */
export function findCopiesSql(campaigns: string): string {
  return `
    SELECT DISTINCT arrayJoin(paths) AS path
    FROM (
      SELECT groupUniqArray(path) AS paths
      FROM event_copies
      WHERE campaign_id IN (SELECT campaign_id FROM (${campaigns}))
      GROUP BY event_id
      HAVING min(event_hour) != max(event_hour)
        AND countIf(event_hour >= {fromSeconds: UInt32} AND event_hour < {toSeconds: UInt32}) > 0
    )
    LIMIT {limit: UInt32}`;
}
