/** Rows of flushes as the stream hands them to its store, read back from what is there. */
import type { ClickHouseClient } from "@clickhouse/client";
import { EVENT_TYPES } from "@trueclick/shared/event/stored";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import type { CellTotals } from "../../apps/aggregator/src/stream/domain/cubes.ts";
import type { HourUsers } from "../../apps/aggregator/src/stream/domain/hourUsers.ts";
import type { StreamReject } from "../../apps/aggregator/src/stream/domain/outcomes.ts";

/** Of one table in one flush. */
const ROWS_MAX = 1_000;

export interface FlushRows {
  readonly cells: readonly CellTotals[];
  readonly rejects: readonly StreamReject[];
  readonly users: readonly HourUsers[];
}

const count = z.coerce.number().int();

const cellSchema = z.object({
  advertiserId: advertiserIdSchema,
  cube: z.enum(["ad", "geo", "device", "publisher"]),
  campaignId: z.string(),
  windowStartMs: count,
  dimensionValue: z.string(),
  ...{ clicks: count, invalidClicks: count, givtClicks: count, duplicateClicks: count },
  impressions: count,
  ...{ conversions: count, costMicros: z.coerce.bigint(), version: z.coerce.bigint() },
});

const rejectSchema = z.object({
  ...{ advertiserId: z.string(), campaignId: z.string(), partition: count },
  ...{ offset: z.coerce.bigint(), index: count, eventId: z.string() },
  eventType: z.enum(EVENT_TYPES),
  // The evidence of the data set has no others.
  reason: z.enum(["duplicate", "bot_user_agent", "datacenter_ip"]),
  ...{ eventTimeMs: count, appendTimeMs: count },
});

const usersSchema = z
  .object({
    advertiserId: advertiserIdSchema,
    campaignId: z.string(),
    hashes: z.array(z.coerce.bigint()),
  })
  .transform(({ hashes, ...of }) => ({
    ...of,
    userHashes: new Uint8Array(BigUint64Array.from(hashes).buffer),
  }));

/** Cells of the last minute, and evidence and users of the last hour, of one partition of the log. */
export async function readFlushRows(
  client: ClickHouseClient,
  { cells, endMs }: { readonly cells: string; readonly endMs: number },
  partition: number,
): Promise<FlushRows> {
  const read = async <Row>(row: z.ZodType<Row>, query: string): Promise<Row[]> => {
    const found = await client.query({
      query: `${query} LIMIT ${ROWS_MAX}`,
      format: "JSONEachRow",
    });
    return z.array(row).parse(await found.json());
  };
  const since = (ms: number) => `toDateTime(${(endMs - ms) / SECOND_MS}, 'UTC')`;
  const hourUsers = await read(
    usersSchema,
    `SELECT advertiser_id AS advertiserId, campaign_id AS campaignId,
      groupUniqArrayArray(users) AS hashes
    FROM file('${cells}', 'Parquet') WHERE event_hour >= ${since(HOUR_MS)}
    GROUP BY advertiserId, campaignId`,
  );
  return {
    cells: await read(
      cellSchema,
      `SELECT advertiser_id AS advertiserId, cube, campaign_id AS campaignId,
        toUnixTimestamp(window_start) * 1000 AS windowStartMs, dimension_value AS dimensionValue,
        clicks, invalid_clicks AS invalidClicks, givt_clicks AS givtClicks,
        duplicate_clicks AS duplicateClicks, impressions,
        conversions, cost_micros AS costMicros, version
      FROM hot_minutes FINAL WHERE window_start >= ${since(MINUTE_MS)} AND partition = ${partition}`,
    ),
    rejects: await read(
      rejectSchema,
      `SELECT advertiser_id AS advertiserId, campaign_id AS campaignId, partition, offset, \`index\`,
        event_id AS eventId, event_type AS eventType, reason,
        toUnixTimestamp64Milli(event_time) AS eventTimeMs,
        toUnixTimestamp64Milli(append_time) AS appendTimeMs
      FROM stream_rejects FINAL WHERE event_hour >= ${since(HOUR_MS)} AND partition = ${partition}`,
    ),
    users: hourUsers.map((users) => ({ ...users, hourStartMs: endMs - HOUR_MS })),
  };
}
