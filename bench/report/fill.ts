/**
 * What a hundred million events leave behind in the rollup tables, made by the engine itself. All
 * tables follow from one Parquet file of cells, which the peer reads too: the same rows on both sides.
 */
import type { ClickHouseClient } from "@clickhouse/client";
import { DAY_MS, HOUR_MS, SECOND_MS } from "@trueclick/shared/time";

export const ADVERTISERS = 20;
export const CAMPAIGNS = 100;
/** Whole billing days of truth, all before the midnight that data ends with. */
export const TRUTH_DAYS = 90;
/** Days of the hot store, and of the evidence of both sides. */
export const HOT_DAYS = 14;
export const EVIDENCE_DAYS = 8;
/** Hours before the end that the hot store still answers by minutes. */
export const MINUTE_HOURS = 2;
const MINUTES_KEPT_HOURS = 12;
const PARTITIONS = 2;
/** Cells of one campaign and hour: 14 of valid clicks, 4 of rejected ones, 5 of impressions, 1 of conversions. */
const CELLS = 24;
/** Events of a cell: 1 to 38, so 19.3 on average, and 100 million in all. */
const EVENTS_MAX = 38;
const CELLS_A_DAY = 24 * CAMPAIGNS * CELLS;
/** Days that are made in one statement, whose memory is bounded. */
const DAYS_AT_ONCE = 10;
/** People of a campaign. */
const PEOPLE = 40_000;

/** Midnight of UTC that the data ends with, epoch milliseconds. */
export const endMsOf = (nowMs: number) => Math.floor(nowMs / DAY_MS) * DAY_MS;

/** The job that counted a day of an advertiser; `day` counts from the first. */
export const jobIdOf = (advertiser: number, day: number) => day * ADVERTISERS + advertiser + 1;

const pick = (words: readonly string[], by: string) =>
  `[${words.map((word) => `'${word}'`).join(", ")}][1 + ${by} % ${words.length}]`;

/** Cells of `days` days, the first of which is the `firstDay`-th of all. */
const cellsSql = (fromSeconds: number, firstDay: number, days: number) => `
  SELECT
    concat('adv-', leftPad(toString(campaign_no % ${ADVERTISERS}), 2, '0')) AS advertiser_id,
    toDate(toDateTime(${fromSeconds} + hour_no * 3600, 'UTC')) AS billing_day,
    toUInt64(intDiv(hour_no, 24) * ${ADVERTISERS} + campaign_no % ${ADVERTISERS} + 1) AS build_id,
    concat('cmp-', leftPad(toString(campaign_no), 3, '0')) AS campaign_id,
    toDateTime(${fromSeconds} + hour_no * 3600, 'UTC') AS event_hour,
    concat('ad-', toString(h1 % 4)) AS ad_id,
    concat('pub-', toString(h2 % 10)) AS publisher_id,
    ${pick(["DE", "AT", "CH", "US", "GB", "FR", "IT", "NL"], "slot")} AS geo,
    ${pick(["mobile", "desktop", "tablet", "mobile"], "h3")} AS device,
    multiIf(slot < 18, 'click', slot < 23, 'impression', 'conversion') AS event_type,
    multiIf(slot = 14, 'duplicate', slot = 15, 'bot_user_agent', slot = 16, 'datacenter_ip',
      slot = 17, 'double_click', 'valid') AS verdict,
    toUInt64(1 + h4 % ${EVENTS_MAX}) AS events,
    if(slot < 14, toInt64(events * 250000), 0) AS cost_micros,
    if(slot < 14, arrayMap(at -> cityHash64(campaign_no, cityHash64(number, at) % ${PEOPLE}),
      range(events)), []) AS users
  FROM (
    SELECT number, number % ${CELLS} AS slot, intDiv(number, ${CELLS}) AS campaign_hour,
      campaign_hour % ${CAMPAIGNS} AS campaign_no, intDiv(campaign_hour, ${CAMPAIGNS}) AS hour_no,
      cityHash64(number, 1) AS h1, cityHash64(number, 2) AS h2, cityHash64(number, 3) AS h3,
      cityHash64(number, 4) AS h4
    FROM numbers(${firstDay * CELLS_A_DAY}, ${days * CELLS_A_DAY})
  )`;

const cubeColumns = `advertiser_id, billing_day, build_id, campaign_id, event_hour, ad_id,
  publisher_id, geo, device, event_type, verdict, events, cost_micros`;

/** The parts of a cell in the hot store: a row a cube and partition of the log. */
const hotHoursSql = (cells: string) => `
  SELECT advertiser_id, pair.1 AS cube, campaign_id, event_hour AS span_start,
    pair.2 AS dimension_value, toUInt16(partition) AS partition,
    sumIf(part, event_type = 'click' AND verdict IN ('valid', 'double_click')) AS clicks,
    sumIf(part, event_type = 'click' AND verdict IN ('bot_user_agent', 'datacenter_ip'))
      AS invalid_clicks,
    sumIf(part, event_type = 'click' AND verdict = 'duplicate') AS duplicate_clicks,
    sumIf(part, event_type = 'impression') AS impressions,
    sumIf(part, event_type = 'conversion') AS conversions,
    toInt64(clicks * 250000) AS cost_micros,
    toUInt16(3600) AS span_seconds
  FROM (
    SELECT *, intDiv(events + partition, ${PARTITIONS}) AS part
    FROM (
      SELECT *, arrayJoin([('ad', ad_id), ('geo', geo), ('device', device),
        ('publisher', publisher_id)]) AS pair, arrayJoin(range(${PARTITIONS})) AS partition
      FROM ${cells}
    )
  )
  GROUP BY ALL`;

/** Some five events a campaign and minute, spread over each cube's values. */
const hotMinutesSql = (fromSeconds: number, minutes: number) => `
  SELECT concat('adv-', leftPad(toString(campaign_no % ${ADVERTISERS}), 2, '0')) AS advertiser_id,
    ['ad', 'geo', 'device', 'publisher'][1 + intDiv(slot, 5)] AS cube,
    concat('cmp-', leftPad(toString(campaign_no), 3, '0')) AS campaign_id,
    toDateTime(${fromSeconds} + minute_no * 60, 'UTC') AS window_start,
    multiIf(cube = 'ad', concat('ad-', toString(intDiv(slot % 5, ${PARTITIONS}))),
      cube = 'geo', ['DE', 'AT', 'CH'][1 + intDiv(slot % 5, ${PARTITIONS})],
      cube = 'device', ['mobile', 'desktop', 'tablet'][1 + intDiv(slot % 5, ${PARTITIONS})],
      concat('pub-', toString(intDiv(slot % 5, ${PARTITIONS})))) AS dimension_value,
    toUInt16(slot % 5 % ${PARTITIONS}) AS partition,
    toUInt64(1 + cityHash64(minute_no, campaign_no, slot % 5) % 2) AS clicks,
    toUInt64(0) AS invalid_clicks, toUInt64(0) AS duplicate_clicks, toUInt64(0) AS impressions,
    toUInt64(0) AS conversions, toInt64(clicks * 250000) AS cost_micros, toUInt64(1) AS version,
    toInt64(0) AS givt_clicks
  FROM (
    SELECT number % 20 AS slot, intDiv(number, 20) % ${CAMPAIGNS} AS campaign_no,
      intDiv(number, 20 * ${CAMPAIGNS}) AS minute_no
    FROM numbers(${minutes} * ${20 * CAMPAIGNS})
  )`;

/** A row of evidence an event that was not counted. */
const rejectsSql = (cells: string, condition: string) => `
  SELECT advertiser_id, billing_day, build_id, campaign_id, event_hour,
    toUInt16(at % ${PARTITIONS}) AS partition,
    cityHash64(campaign_id, event_hour, verdict) % 1000000000000 * 100 + at AS offset,
    toUInt16(0) AS \`index\`, concat('ev-', toString(offset)) AS event_id, event_type, verdict,
    event_hour + INTERVAL (offset % 3600) SECOND AS event_time
  FROM (SELECT *, arrayJoin(range(events)) AS at FROM ${cells} WHERE ${condition})`;

/** Past every offset of the evidence. */
export const PAST_ALL_OFFSETS = 1_000_000_000_000_000n;

export interface Files {
  readonly cells: string;
  readonly hotHours: string;
  readonly hotMinutes: string;
  readonly streamRejects: string;
  readonly truthRejects: string;
}

/** Fills every rollup table, and leaves the same rows as Parquet in `dir`. */
export async function fillRollups(
  clickhouse: ClickHouseClient,
  dir: string,
  endMs: number,
  truthDays: number,
): Promise<Files> {
  const run = (query: string) =>
    clickhouse.command({
      query,
      clickhouse_settings: {
        // Few parts, and no more sets of users in memory at once than one query may take.
        min_insert_block_size_rows: "400000",
        min_insert_block_size_bytes: "200000000",
        max_insert_threads: "1",
        output_format_parquet_row_group_size: "100000",
        output_format_parquet_compression_method: "lz4",
      },
    });
  const seconds = (ms: number) => Math.floor(ms / SECOND_MS);
  const file = (name: string) => `${dir}/${name}.parquet`;
  const from = (name: string) => `file('${file(name)}', 'Parquet')`;
  const cells = from("cells_*");
  const write = (name: string, sql: string) => run(`INSERT INTO FUNCTION ${from(name)} ${sql}`);
  const since = (days: number) =>
    `(SELECT * FROM ${cells} WHERE event_hour >= toDateTime(${seconds(endMs - days * DAY_MS)}, 'UTC'))`;

  for (let day = 0; day < truthDays; day += DAYS_AT_ONCE) {
    const days = Math.min(DAYS_AT_ONCE, truthDays - day);
    const name = `cells_${String(day).padStart(3, "0")}`;
    await write(name, cellsSql(seconds(endMs - truthDays * DAY_MS), day, days));
    await run(`INSERT INTO truth_cube (${cubeColumns}, user_hashes)
      SELECT ${cubeColumns}, arraySort(arrayDistinct(users)) FROM ${from(name)}`);
  }

  await write("hot_hours", hotHoursSql(since(HOT_DAYS)));
  const hot =
    "advertiser_id, cube, campaign_id, %, dimension_value, partition, clicks, invalid_clicks, duplicate_clicks, impressions, conversions, cost_micros";
  const hours = `${hot.replace("%", "span_start")}, span_seconds`;
  await run(`INSERT INTO hot_hours (${hours}) SELECT ${hours} FROM ${from("hot_hours")}`);
  await run(`INSERT INTO hot_users (advertiser_id, campaign_id, event_hour, users)
    SELECT advertiser_id, campaign_id, event_hour,
      arrayReduce('uniqCombined64State', groupArrayArray(users))
    FROM ${since(HOT_DAYS)} GROUP BY advertiser_id, campaign_id, event_hour`);

  const minutesFrom = seconds(endMs - MINUTES_KEPT_HOURS * HOUR_MS);
  await write("hot_minutes", hotMinutesSql(minutesFrom, MINUTES_KEPT_HOURS * 60));
  const minutes = `${hot.replace("%", "window_start")}, version, givt_clicks`;
  await run(`INSERT INTO hot_minutes (${minutes}) SELECT ${minutes} FROM ${from("hot_minutes")}`);

  await write("truth_rejects", rejectsSql(since(EVIDENCE_DAYS), "verdict != 'valid'"));
  const keys = "campaign_id, event_hour, partition, offset, `index`, event_id, event_type";
  await run(`INSERT INTO truth_rejects (advertiser_id, billing_day, build_id, ${keys}, verdict)
    SELECT advertiser_id, billing_day, build_id, ${keys}, verdict FROM ${from("truth_rejects")}`);
  await write(
    "stream_rejects",
    `SELECT * FROM ${from("truth_rejects")} WHERE verdict != 'double_click'`,
  );
  await run(`INSERT INTO stream_rejects (advertiser_id, ${keys}, reason, event_time, append_time)
    SELECT advertiser_id, ${keys}, verdict, event_time, event_time + INTERVAL 1 SECOND AS append_time FROM ${from("stream_rejects")}`);
  // As they are once the day is over: parts that were merged, which FINAL need not fold again.
  for (const table of ["hot_hours", "stream_rejects"]) await run(`OPTIMIZE TABLE ${table} FINAL`);
  return {
    cells: file("cells_*"),
    hotHours: file("hot_hours"),
    hotMinutes: file("hot_minutes"),
    streamRejects: file("stream_rejects"),
    truthRejects: file("truth_rejects"),
  };
}
