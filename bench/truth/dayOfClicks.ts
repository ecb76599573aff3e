/** A day of clicks as archive objects, made by the engine's own SQL: a million rows in a second or two. */
import { hash } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ClickHouseClient } from "@clickhouse/client";
import { STRUCTURE } from "@trueclick/archive/clickhouseObjects";
import { objectPath } from "@trueclick/archive/domain/objectPath";
import { sqlString } from "@trueclick/archive/domain/sqlString";
import type { Database } from "@trueclick/db/postgres/database";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { HOUR_MS } from "@trueclick/shared/time";

export const TOPIC = "clicks.raw";
export const CAMPAIGNS = 200;
/** Every so many-th row is a retry of the row before it. */
const RETRY_EVERY = 33;

export interface ClicksOptions {
  readonly clickhouse: ClickHouseClient;
  readonly db: Database;
  readonly objectsDir: string;
}

/** One object of one event hour. */
export interface HourOfClicks {
  readonly hourMs: number;
  readonly partition: number;
  /** Number of its first row: rows, ids and offsets follow from it. */
  readonly first: number;
  readonly rows: number;
}

/** Writes objects, their manifest rows and their rows of the index; answers with their paths. */
export async function writeClicks(
  { clickhouse, db, objectsDir }: ClicksOptions,
  hours: readonly HourOfClicks[],
): Promise<string[]> {
  const paths: string[] = [];
  for (const hour of hours) {
    const { first, hourMs, partition, rows } = hour;
    const name = {
      eventHourMs: hourMs,
      partition,
      firstOffset: BigInt(first),
      lastOffset: BigInt(first + rows - 1),
    };
    const path = objectPath(name);
    const file = join(objectsDir, path);
    await mkdir(dirname(file), { recursive: true });
    await clickhouse.command({
      query: `
        INSERT INTO FUNCTION file(${sqlString(file)}, 'Parquet', ${sqlString(STRUCTURE)})
        ${rowsSql(hour)}
        SETTINGS output_format_parquet_compression_method = 'zstd',
          output_format_parquet_row_group_size = 200000, max_threads = 2,
          use_hive_partitioning = 0`,
    });
    await clickhouse.command({
      query: `
        INSERT INTO event_index
          (event_id, partition, offset, \`index\`, campaign_id, event_type, event_hour, event_time,
            path, row)
        SELECT event_id, partition, offset, \`index\`, campaign_id, event_type,
          toStartOfHour(event_time), event_time, ${sqlString(path)}, rowNumberInAllBlocks()
        FROM (${rowsSql(hour)})`,
    });
    await db.insert(archiveObjects).values({
      path,
      topic: TOPIC,
      partition,
      firstOffset: name.firstOffset,
      lastOffset: name.lastOffset,
      eventHour: new Date(hourMs),
      rows: BigInt(rows),
      bytes: BigInt((await stat(file)).size),
      sha256: hash("sha256", await readFile(file)),
    });
    paths.push(path);
  }
  return paths;
}

/** The hours of a day, two objects each. */
export function hoursOfDay(dayMs: number, rows: number): HourOfClicks[] {
  const each = Math.ceil(rows / 48);
  return Array.from({ length: 48 }, (_, at) => ({
    hourMs: dayMs + Math.floor(at / 2) * HOUR_MS,
    partition: at % 2,
    first: at * each,
    rows: each,
  }));
}

/** Ids of rows that are no retry: what any way of counting must come to. */
export function distinctIds(hours: readonly HourOfClicks[]): number {
  return hours.reduce((sum, { first, rows }) => {
    const retries = Math.floor((first + rows - 1) / RETRY_EVERY) - Math.floor(first / RETRY_EVERY);
    return sum + rows - retries;
  }, 0);
}

function rowsSql({ hourMs, partition, first, rows }: HourOfClicks): string {
  return `
    WITH number + ${first} AS n,
      toUInt64(n - (n % ${RETRY_EVERY} = 0 AND n > ${first})) AS k,
      sipHash64(k) AS h,
      ${hourMs} + toInt64((k - ${first}) * (${HOUR_MS} / ${rows})) AS time_ms
    SELECT
      toInt32(${partition}) AS partition, toInt64(n) AS offset, toInt32(0) AS \`index\`,
      fromUnixTimestamp64Milli(time_ms + 400, 'UTC') AS append_time,
      false AS unparseable, toInt32(1) AS schema_version, 'click' AS event_type,
      lower(hex(sipHash128(k))) AS event_id,
      toFixedString(substring(SHA256(event_id), 1, 16), 16) AS event_id128,
      fromUnixTimestamp64Milli(time_ms, 'UTC') AS event_time,
      fromUnixTimestamp64Milli(time_ms + 200 + if(n = k, 0, 5000), 'UTC') AS ingest_time,
      concat('cmp_', toString(h % ${CAMPAIGNS})) AS campaign_id,
      concat('ad_', toString(intDiv(h, 1000) % 10)) AS ad_id,
      concat('pub_', toString(intDiv(h, 100000) % 50)) AS publisher_id,
      concat('user_', toString(intDiv(h, 7) % 400000)) AS user_id,
      ['DE','FR','US','NL','GB','ES','IT','PL'][1 + intDiv(h, 11) % 8] AS geo,
      ['desktop','mobile','tablet','tv'][1 + intDiv(h, 13) % 4] AS device,
      concat('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/',
        toString(100 + intDiv(h, 17) % 30), '.0.0.0 Safari/537.36') AS user_agent,
      lower(hex(intDiv(h, 19) % 1000000)) AS ip_hash,
      concat('198.51.', toString(intDiv(h, 23) % 250), '.0/24') AS ip_net,
      '' AS impression_id, '' AS click_id, toInt64(0) AS conversion_value_micros, '' AS token,
      h % 997 = 0 AS test, 'eu' AS region, 'src_1' AS source_id,
      multiIf(h % 50 = 0, 'token_absent,bot_user_agent', h % 211 = 0, 'token_absent,prefetch',
        'token_absent') AS flags,
      '' AS ext,
      concat('{"event_id":"', event_id, '","campaign_id":"', campaign_id, '","ad_id":"', ad_id,
        '","publisher_id":"', publisher_id, '","user_id":"', user_id, '","event_time":',
        toString(time_ms), ',"user_agent":"', user_agent, '"}') AS line
    FROM numbers(${rows})`;
}
