import type { ClickHouseClient } from "@clickhouse/client";
import { EVENT_TYPES } from "@trueclick/shared/event/stored";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import { z } from "zod";
import { CUBES, type HourlyTotals } from "../../stream/domain/cubes.ts";
import type { StreamReject } from "../../stream/domain/outcomes.ts";
import type { Correction } from "../domain/corrections.ts";
import { BACKFILL_VERSION } from "../domain/recount.ts";
import type { SpanTotals } from "../domain/spans.ts";
import type { HotHours } from "../ports/hotHours.ts";

/** Rows of one INSERT. */
const INSERT_ROWS_MAX = 50_000;

const rejectsSchema = z.array(
  z
    .object({
      advertiser_id: z.string(),
      campaign_id: z.string(),
      partition: z.number(),
      place: z.string().transform(BigInt),
      index: z.number(),
      event_id: z.string(),
      event_type: z.enum(EVENT_TYPES),
      reason: z.custom<Exclude<StreamReject["reason"], "unparseable">>(
        (word) => typeof word === "string" && word !== "",
      ),
      event_ms: z.coerce.number(),
      append_ms: z.coerce.number(),
    })
    .transform(
      (row): StreamReject => ({
        advertiserId: row.advertiser_id,
        campaignId: row.campaign_id,
        partition: row.partition,
        offset: row.place,
        index: row.index,
        eventId: row.event_id,
        eventType: row.event_type,
        reason: row.reason,
        eventTimeMs: row.event_ms,
        appendTimeMs: row.append_ms,
      }),
    ),
);
const count = z.coerce.number();
const cellsSchema = z.array(
  z
    .object({
      advertiser_id: advertiserIdSchema,
      cube: z.enum(CUBES.map(({ name }) => name)),
      campaign_id: z.string(),
      start_s: z.number(),
      dimension_value: z.string(),
      ...{ clicks: count, invalid_clicks: count, duplicate_clicks: count, impressions: count },
      ...{ conversions: count, micros: z.string(), place: z.string() },
    })
    .transform(
      (row): HourlyTotals => ({
        advertiserId: row.advertiser_id,
        cube: row.cube,
        campaignId: row.campaign_id,
        windowStartMs: row.start_s * SECOND_MS,
        dimensionValue: row.dimension_value,
        ...{ clicks: row.clicks, invalidClicks: row.invalid_clicks },
        ...{ duplicateClicks: row.duplicate_clicks, impressions: row.impressions },
        ...{ conversions: row.conversions, costMicros: BigInt(row.micros) },
        version: BigInt(row.place),
      }),
    ),
);
const oldestSchema = z.tuple([z.object({ rows: z.coerce.number(), oldest: z.coerce.number() })]);

/** The hot store's hours in `hot_hours`, evidence in `stream_rejects` and `stream_corrections`. */
export function createClickHouseHotHours(client: ClickHouseClient): HotHours {
  async function insert(table: string, rows: readonly object[]): Promise<void> {
    for (let from = 0; from < rows.length; from += INSERT_ROWS_MAX) {
      await client.insert({
        table,
        values: rows.slice(from, from + INSERT_ROWS_MAX),
        format: "JSONEachRow",
        // Stored when answered, or an error: that an hour is healed is said next.
        clickhouse_settings: { async_insert: 0, wait_end_of_query: 1 },
      });
    }
  }

  return {
    async rejects(partition, { fromMs, toMs }, nextOffset) {
      const answer = await client.query({
        query: REJECTS_SQL,
        query_params: { partition, from: fromMs, to: toMs, next_offset: nextOffset.toString() },
        format: "JSONEachRow",
      });
      return rejectsSchema.parse(await answer.json());
    },
    async streamCells(partition, { fromMs, toMs }) {
      const answer = await client.query({
        query: STREAM_CELLS_SQL,
        query_params: { partition, from: fromMs / SECOND_MS, to: toMs / SECOND_MS },
        format: "JSONEachRow",
      });
      return cellsSchema.parse(await answer.json());
    },
    writeCorrections: (corrections) => insert("stream_corrections", corrections.map(toRow)),
    writeSpans: (partition, spans) =>
      insert(
        "hot_hours",
        spans.map((span) => toSpanRow(partition, span)),
      ),
    async oldestHourMs() {
      const answer = await client.query({
        query:
          "SELECT count() AS rows, toUnixTimestamp(min(window_start)) AS oldest FROM hot_minutes",
        format: "JSONEachRow",
      });
      const [{ rows, oldest }] = oldestSchema.parse(await answer.json());
      return rows === 0 ? null : windowStartMs(oldest * SECOND_MS, HOUR_MS);
    },
    async rollUp({ fromMs, toMs }, quarterAdvertisers) {
      await client.command({
        query: ROLLUP_SQL,
        query_params: {
          from: fromMs / SECOND_MS,
          to: toMs / SECOND_MS,
          quarters: [...quarterAdvertisers],
        },
        clickhouse_settings: { max_partitions_per_insert_block: "0" },
      });
    },
  };
}

const REJECTS_SQL = `
  SELECT advertiser_id, campaign_id, partition, toString(offset) AS place, \`index\`, event_id,
    event_type, reason, toUnixTimestamp64Milli(event_time) AS event_ms,
    toUnixTimestamp64Milli(append_time) AS append_ms
  FROM stream_rejects FINAL
  WHERE event_hour = toStartOfHour(fromUnixTimestamp64Milli({from: Int64}, 'UTC'))
    AND partition = {partition: UInt16} AND offset < {next_offset: UInt64}
    AND reason != 'unparseable'
    AND toUnixTimestamp64Milli(event_time) >= {from: Int64}
    AND toUnixTimestamp64Milli(event_time) < {to: Int64}`;

const STREAM_CELLS_SQL = `
  SELECT advertiser_id, cube, campaign_id, toUnixTimestamp(window_start) AS start_s, dimension_value,
    clicks, invalid_clicks, duplicate_clicks, impressions, conversions,
    toString(cost_micros) AS micros, toString(version) AS place
  FROM hot_minutes FINAL
  WHERE window_start >= fromUnixTimestamp({from: Int64})
    AND window_start < fromUnixTimestamp({to: Int64})
    AND partition = {partition: UInt16} AND version < ${BACKFILL_VERSION}`;

// FINAL folds the versions of a minute first; what is added up is each minute's newest count.
const ROLLUP_SQL = `
  INSERT INTO hot_hours (advertiser_id, cube, campaign_id, span_start, span_seconds,
    dimension_value, partition, clicks, invalid_clicks, duplicate_clicks, impressions, conversions, cost_micros)
  SELECT advertiser_id, cube, campaign_id,
    if(advertiser_id IN {quarters: Array(String)}, toStartOfFifteenMinutes(window_start),
      toStartOfHour(window_start)) AS span_start,
    if(advertiser_id IN {quarters: Array(String)}, 900, 3600) AS span_seconds,
    dimension_value, partition, sum(clicks), sum(invalid_clicks), sum(duplicate_clicks),
    sum(impressions), sum(conversions), sum(cost_micros)
  FROM hot_minutes FINAL
  WHERE window_start >= fromUnixTimestamp({from: Int64})
    AND window_start < fromUnixTimestamp({to: Int64})
  GROUP BY advertiser_id, cube, campaign_id, span_start, span_seconds, dimension_value,
    partition`;

function toRow(correction: Correction) {
  return {
    advertiser_id: correction.advertiserId,
    campaign_id: correction.campaignId,
    event_hour: windowStartMs(correction.eventTimeMs, HOUR_MS) / SECOND_MS,
    partition: correction.partition,
    offset: correction.offset.toString(),
    index: correction.index,
    event_id: correction.eventId,
    event_type: correction.eventType,
    reason: correction.reason,
    event_time: toDateTime64(correction.eventTimeMs),
    append_time: toDateTime64(correction.appendTimeMs),
  };
}

function toSpanRow(partition: number, span: SpanTotals) {
  return {
    advertiser_id: span.advertiserId,
    cube: span.cube,
    campaign_id: span.campaignId,
    span_start: span.spanStartMs / SECOND_MS,
    span_seconds: span.spanSizeMs / SECOND_MS,
    dimension_value: span.dimensionValue,
    partition,
    clicks: span.clicks,
    invalid_clicks: span.invalidClicks,
    duplicate_clicks: span.duplicateClicks,
    impressions: span.impressions,
    conversions: span.conversions,
    cost_micros: span.costMicros.toString(),
  };
}

/** `YYYY-MM-DD hh:mm:ss.mmm` in UTC, as ClickHouse reads it under every setting. */
function toDateTime64(epochMs: number): string {
  return new Date(epochMs).toISOString().replace("T", " ").replace("Z", "");
}
