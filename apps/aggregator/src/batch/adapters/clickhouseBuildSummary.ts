import type { ClickHouseClient } from "@clickhouse/client";
import { runQuery } from "@trueclick/db/clickhouse/reader";
import { campaignIdSchema } from "@trueclick/shared/ids";
import { z } from "zod";
import {
  type BuildSummary,
  DUPLICATE_VERDICTS,
  NOT_GROSS_VERDICTS,
  NOT_NET_VERDICTS,
} from "../domain/truth.ts";
import type { Build } from "../ports/truthEngine.ts";

const count = z.coerce.number().int().nonnegative();

const lineRow = z.object({
  campaignId: campaignIdSchema,
  clicks: count,
  grossClicks: count,
  netClicks: count,
  duplicateClicks: count,
  impressions: count,
  conversions: count,
  uniqueUsers: count,
  costMicros: z.coerce.bigint(),
});
const verdictRow = z.object({ verdict: z.string(), events: count, clicks: count });
const rejectsRow = z.object({ rows: count, digest: z.string() });
const cellsRow = z.object({ campaignId: z.string(), eventHourSeconds: count, sha256: z.string() });

/** Tenant first, then the one build: rows of others, and of died attempts, are not looked at. */
const OF_BUILD = `advertiser_id = {advertiserId: String} AND billing_day = {billingDay: Date}
  AND build_id = {buildId: UInt64}`;

/** Reads back what a build holds, for its lines and for the hash of its content. */
export async function summarizeBuild(
  clickhouse: ClickHouseClient,
  { jobId, inputs }: Build,
): Promise<BuildSummary> {
  const build = {
    advertiserId: inputs.advertiserId,
    billingDay: inputs.billingDay,
    buildId: jobId.toString(),
  };
  const [lines, verdicts, rejects, cells] = await Promise.all([
    runQuery(clickhouse, {
      name: "batch.lines",
      sql: LINES,
      params: lineParams(build),
      row: lineRow,
    }),
    runQuery(clickhouse, { name: "batch.verdicts", sql: VERDICTS, params: build, row: verdictRow }),
    runQuery(clickhouse, { name: "batch.evidence", sql: REJECTS, params: build, row: rejectsRow }),
    runQuery(clickhouse, { name: "batch.cells", sql: CELLS, params: build, row: cellsRow }),
  ]);
  const clicked = verdicts.filter(({ clicks }) => clicks > 0);
  return {
    lines,
    eventsByVerdict: Object.fromEntries(verdicts.map(({ verdict, events }) => [verdict, events])),
    clicksByVerdict: Object.fromEntries(clicked.map(({ verdict, clicks }) => [verdict, clicks])),
    rejects: rejects[0] ?? { rows: 0, digest: "" },
    cells,
  };
}

function lineParams(build: Readonly<Record<string, string>>) {
  return {
    ...build,
    notGross: NOT_GROSS_VERDICTS,
    notNet: NOT_NET_VERDICTS,
    duplicates: DUPLICATE_VERDICTS,
  };
}

const LINES = `
  SELECT campaign_id AS campaignId,
    sumIf(events, event_type = 'click' AND verdict = 'valid') AS clicks,
    sumIf(events, event_type = 'click' AND verdict NOT IN {notGross: Array(String)}) AS grossClicks,
    sumIf(events, event_type = 'click' AND verdict NOT IN {notNet: Array(String)}) AS netClicks,
    sumIf(events, event_type = 'click' AND verdict IN {duplicates: Array(String)})
      AS duplicateClicks,
    sumIf(events, event_type = 'impression' AND verdict = 'valid') AS impressions,
    sumIf(events, event_type = 'conversion' AND verdict = 'valid') AS conversions,
    uniqExactArray(user_hashes) AS uniqueUsers,
    sum(cost_micros) AS costMicros
  FROM truth_cube
  WHERE ${OF_BUILD}
  GROUP BY campaign_id
  ORDER BY campaign_id`;

const VERDICTS = `
  SELECT verdict, sum(cell.events) AS events, sumIf(cell.events, event_type = 'click') AS clicks
  FROM truth_cube AS cell
  WHERE ${OF_BUILD}
  GROUP BY verdict
  ORDER BY verdict`;

// A sum modulo 2^128: hashes a set of any size without sorting it. Each row has its own
// coordinates, so no two are equal.
const REJECTS = `
  SELECT count() AS rows,
    lower(hex(sum(reinterpretAsUInt128(
      sipHash128(campaign_id, event_hour, partition, offset, \`index\`, verdict))))) AS digest
  FROM truth_rejects
  WHERE ${OF_BUILD}`;

// Hour by hour, so that no more than the cells of one campaign and hour are sorted at a time.
const CELLS = `
  SELECT campaign_id AS campaignId, toUnixTimestamp(event_hour) AS eventHourSeconds,
    lower(hex(SHA256(arrayStringConcat(arraySort(groupArray(cell)), '\\n')))) AS sha256
  FROM (
    SELECT campaign_id, event_hour,
      toString((ad_id, publisher_id, geo, device, event_type, verdict, events, cost_micros,
        length(user_hashes))) AS cell
    FROM truth_cube
    WHERE ${OF_BUILD}
  )
  GROUP BY campaign_id, event_hour
  ORDER BY campaign_id, event_hour`;

/** The SQL that reads back what was judged, by the names of its queries. */
export const SUMMARY_PROGRAM: Readonly<Record<string, string>> = {
  "batch.lines": LINES,
  "batch.verdicts": VERDICTS,
  "batch.evidence": REJECTS,
  "batch.cells": CELLS,
};
