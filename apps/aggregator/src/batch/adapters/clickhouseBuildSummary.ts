import type { ClickHouseClient } from "@clickhouse/client";
import { runQuery } from "@trueclick/db/clickhouse/reader";
import { campaignIdSchema } from "@trueclick/shared/ids";
import { z } from "zod";
import type { TakenOver } from "../domain/takenOver.ts";
import type { BuildSummary } from "../domain/truth.ts";
import type { Build } from "../ports/truthEngine.ts";
import { buildParams, heldRows } from "./heldBuild.ts";

const count = z.coerce.number().int().nonnegative();

const lineRow = z.object({
  campaignId: campaignIdSchema,
  clicks: count,
  grossClicks: count,
  netClicks: count,
  duplicateClicks: count,
  impressions: count,
  conversions: count,
  costMicros: z.coerce.bigint(),
});
const byVerdict = z.record(z.string(), count);
const verdictsRow = z.object({ events: byVerdict, clicks: byVerdict });
const rejectsRow = z.object({ rows: count, digest: z.string() });
const cellsRow = z.object({ campaignId: z.string(), eventHourSeconds: count, sha256: z.string() });

/** Reads back what a build holds, for its lines and for the hash of its content. */
export async function summarizeBuild(
  clickhouse: ClickHouseClient,
  build: Build,
  users: ReadonlyMap<string, number>,
): Promise<BuildSummary> {
  const params = buildParams(build);
  const { takenOver } = build;
  const read = <Row>(name: keyof typeof SUMMARIES, row: z.ZodType<Row>) =>
    runQuery(clickhouse, { name: `batch.${name}`, sql: SUMMARIES[name](takenOver), params, row });
  const [lines, verdicts, rejects, cells] = await Promise.all([
    read("lines", lineRow),
    read("verdicts", verdictsRow),
    read("evidence", rejectsRow),
    read("cells", cellsRow),
  ]);
  return {
    lines: lines.map((line) => ({ ...line, uniqueUsers: users.get(line.campaignId) ?? 0 })),
    eventsByVerdict: verdicts[0]?.events ?? {},
    clicksByVerdict: verdicts[0]?.clicks ?? {},
    rejects: rejects[0] ?? { rows: 0, digest: "" },
    cells,
  };
}

type OfBuild = (takenOver: readonly TakenOver[]) => string;

const SUMMARIES = {
  lines: (takenOver) => `
  SELECT campaign_id AS campaignId,
    sum(hour.clicks) AS clicks,
    sum(gross_clicks) AS grossClicks,
    sum(net_clicks) AS netClicks,
    sum(duplicate_clicks) AS duplicateClicks,
    sum(hour.impressions) AS impressions,
    sum(hour.conversions) AS conversions,
    sum(cost_micros) AS costMicros
  FROM truth_hours AS hour
  WHERE ${heldRows("truth_hours", takenOver)}
  GROUP BY campaign_id
  ORDER BY campaign_id`,

  verdicts: (takenOver) => `
  SELECT sumMap(events_by_verdict) AS events, sumMap(clicks_by_verdict) AS clicks
  FROM truth_hours
  WHERE ${heldRows("truth_hours", takenOver)}`,

  evidence: (takenOver) => `
  SELECT sum(rejects) AS rows, lower(hex(sum(rejects_digest))) AS digest
  FROM truth_hours
  WHERE ${heldRows("truth_hours", takenOver)}`,

  cells: (takenOver) => `
  SELECT campaign_id AS campaignId, toUnixTimestamp(event_hour) AS eventHourSeconds,
    lower(hex(cells_sha256)) AS sha256
  FROM truth_hours
  WHERE ${heldRows("truth_hours", takenOver)}
  ORDER BY campaign_id, event_hour`,
} satisfies Record<string, OfBuild>;

/** The SQL that reads back what was judged, by the names of its queries. */
export const SUMMARY_PROGRAM: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(SUMMARIES).map(([name, sqlOf]) => [`batch.${name}`, sqlOf([])]),
);
