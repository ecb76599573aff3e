/** A day as stream and truth have counted it, made by the engine's own SQL. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { ClickHouseClient } from "@clickhouse/client";
import { sqlString } from "@trueclick/archive/domain/sqlString";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";

export const ADVERTISER = "adv_bench";
export const BUILD = 7;
export const PARTITIONS = 4;
const CAMPAIGNS = 200;
/** Rows of one insert: a hundred thousand cells are sorted at a time, and files stay small. */
const CHUNK_ROWS = 5_000_000;

export interface TwoSides {
  /** Start of the day, epoch milliseconds. */
  readonly dayMs: number;
  readonly rows: number;
  /** Folder of what the peers read. */
  readonly dir: string;
}

/** Fills the tables that drift is worked out from, and writes the same as Parquet for the peers. */
export async function fillTwoSides(clickhouse: ClickHouseClient, sides: TwoSides): Promise<void> {
  const { dir, rows } = sides;
  for (const name of ["stream", "truth"]) await mkdir(join(dir, name), { recursive: true });
  const run = (query: string) =>
    clickhouse.command({ query, clickhouse_settings: { max_threads: 2 } });
  for (let first = 0; first < rows; first += CHUNK_ROWS) {
    const events = eventsSql(sides, first, Math.min(CHUNK_ROWS, rows - first));
    for (const query of [...insertStream(events), ...insertTruth(events)]) await run(query);
    const written = [
      ["stream", "reason"],
      ["truth", "verdict"],
    ] as const;
    for (const [side, said] of written) {
      const file = join(dir, side, `${first}.parquet`);
      await run(`INSERT INTO FUNCTION file(${sqlString(file)}, 'Parquet')
        SELECT partition, offset, campaign_id, event_hour, ${said} FROM (${events})`);
    }
  }
  for (const table of ["hot_hours", "truth_cube", "stream_rejects", "truth_rejects"]) {
    await run(`INSERT INTO FUNCTION file(${sqlString(join(dir, `${table}.parquet`))}, 'Parquet')
      SELECT ${table === "truth_cube" ? "* EXCEPT users" : "*"} FROM ${table}`);
  }
}

/** Most of what one side rejects the other does too; what only one does is drift. */
function eventsSql({ dayMs, rows }: TwoSides, first: number, count: number): string {
  return `
    SELECT toUInt16(n % ${PARTITIONS}) AS partition, toUInt64(n) AS offset,
      concat('cmp_', toString(toUInt32(pow(${CAMPAIGNS + 1}, (h % 1000003) / 1000003.)) - 1))
        AS campaign_id,
      concat('ad_', toString(bitShiftRight(h, 20) % 10)) AS ad_id,
      toDateTime(${dayMs / SECOND_MS} + intDiv(n * 24, ${rows}) * ${HOUR_MS / SECOND_MS}, 'UTC')
        AS event_hour,
      multiIf(h % 33 = 0, 'duplicate', h % 101 = 0, 'bot_user_agent', h % 509 = 0, 'late', '')
        AS reason,
      multiIf(h % 33 = 0, 'duplicate', h % 101 = 0, 'bot_user_agent', h % 307 = 0, 'double_click',
        h % 1009 = 0, 'velocity', 'valid') AS verdict
    FROM (SELECT number + ${first} AS n, sipHash64(n) AS h FROM numbers(${count}))`;
}

function insertStream(events: string): string[] {
  return [
    `INSERT INTO hot_hours (advertiser_id, cube, campaign_id, span_start, dimension_value, partition,
        clicks, invalid_clicks, duplicate_clicks)
      SELECT '${ADVERTISER}', 'ad', campaign_id, event_hour, ad_id, partition, countIf(reason = ''),
        countIf(reason NOT IN ('', 'duplicate')), countIf(reason = 'duplicate')
      FROM (${events}) GROUP BY campaign_id, event_hour, ad_id, partition`,
    `INSERT INTO stream_rejects (advertiser_id, campaign_id, event_hour, partition, offset, \`index\`,
        event_id, event_type, reason, event_time, append_time)
      SELECT '${ADVERTISER}', campaign_id, event_hour, partition, offset, 0, toString(offset), 'click',
        reason, event_hour, event_hour
      FROM (${events}) WHERE reason != ''`,
  ];
}

function insertTruth(events: string): string[] {
  return [
    `INSERT INTO truth_cube (advertiser_id, billing_day, build_id, campaign_id, event_hour, ad_id,
        publisher_id, geo, device, event_type, verdict, events, cost_micros)
      SELECT '${ADVERTISER}', toDate(event_hour), ${BUILD}, campaign_id, event_hour, ad_id, 'pub_1',
        'DE', 'mobile', 'click', verdict, count(), 0
      FROM (${events}) GROUP BY campaign_id, event_hour, ad_id, verdict`,
    `INSERT INTO truth_rejects (advertiser_id, billing_day, build_id, campaign_id, event_hour,
        partition, offset, \`index\`, event_id, event_type, verdict)
      SELECT '${ADVERTISER}', toDate(event_hour), ${BUILD}, campaign_id, event_hour, partition, offset,
        0, toString(offset), 'click', verdict
      FROM (${events}) WHERE verdict != 'valid'`,
  ];
}
