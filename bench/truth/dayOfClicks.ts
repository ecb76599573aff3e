/**
 * A day of clicks as archive objects, made by the engine's own SQL: a million rows take some two
 * seconds of one core, where the archive's encoder takes seven. `sample.ts` compares the two.
 */
import { hash } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ClickHouseClient } from "@clickhouse/client";
import { ARCHIVE_COLUMNS } from "@trueclick/archive/domain/columns";
import { objectPath } from "@trueclick/archive/domain/objectPath";
import { sqlString } from "@trueclick/archive/domain/sqlString";
import type { Database } from "@trueclick/db/postgres/database";
import { archiveObjects } from "@trueclick/db/postgres/schema/archive";
import { HOUR_MS } from "@trueclick/shared/time";

export const TOPIC = "clicks.raw";
export const CAMPAIGNS = 200;
/** A campaign that is paused from 10 to 12 o'clock. */
export const PAUSED_CAMPAIGN = "cmp_7";
export const PAUSED_HOURS = [10, 12] as const;
/** Every so many-th row is a retry of the row before it. */
const RETRY_EVERY = 33;
/** Every so many-th click is of the same person, ad and token as one shortly before it. */
const AGAIN_EVERY = 1_009;
/** As the archive's encoder has them; it writes no checksums of pages, which the engine would check. */
const ROW_GROUP_ROWS = 65_536;

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
  /** Whether its ids have been looked up in the index, as a job does once an object. */
  readonly searched: boolean;
}

/** Writes objects, their manifest rows and their rows of the index. */
export async function writeClicks(
  { clickhouse, db, objectsDir }: ClicksOptions,
  hours: readonly HourOfClicks[],
): Promise<void> {
  for (const hour of hours) {
    const { hourMs, partition, rows, searched } = hour;
    const path = clicksPath(hour);
    const file = join(objectsDir, path);
    await mkdir(dirname(file), { recursive: true });
    await clickhouse.command({
      query: `
        INSERT INTO FUNCTION file(${sqlString(file)}, 'Parquet', ${sqlString(WRITTEN)})
        ${rowsSql(hour)}
        SETTINGS output_format_parquet_compression_method = 'zstd',
          output_format_compression_level = 1,
          output_format_parquet_row_group_size = ${ROW_GROUP_ROWS},
          output_format_parquet_write_checksums = 0, max_threads = 2, use_hive_partitioning = 0`,
    });
    await clickhouse.command({
      query: `
        INSERT INTO event_index
          (event_id, partition, offset, \`index\`, campaign_id, event_type, event_hour, event_time,
            path, row)
        SELECT event_id, partition, offset, \`index\`, campaign_id, event_type,
          toStartOfHour(event_time), event_time, ${sqlString(path)}, _row_number
        FROM file(${sqlString(file)}, 'Parquet')
        SETTINGS use_hive_partitioning = 0`,
    });
    await db.insert(archiveObjects).values({
      path,
      topic: TOPIC,
      partition,
      ...offsetsOf(hour),
      eventHour: new Date(hourMs),
      rows: BigInt(rows),
      bytes: BigInt((await stat(file)).size),
      sha256: hash("sha256", await readFile(file)),
      copiesSearchedAt: searched ? new Date() : null,
    });
  }
}

export function clicksPath(hour: HourOfClicks): string {
  const { hourMs: eventHourMs, partition } = hour;
  return objectPath({ eventHourMs, partition, ...offsetsOf(hour) });
}

function offsetsOf({ first, rows }: HourOfClicks) {
  return { firstOffset: BigInt(first), lastOffset: BigInt(first + rows - 1) };
}

/** The hours of a day, two objects each. */
export function hoursOfDay(dayMs: number, rows: number): HourOfClicks[] {
  const each = Math.ceil(rows / 48);
  return Array.from({ length: 48 }, (_, at) => ({
    hourMs: dayMs + Math.floor(at / 2) * HOUR_MS,
    partition: at % 2,
    first: at * each,
    rows: each,
    // No id comes back in another hour, by the way they are made.
    searched: true,
  }));
}

/** Ids of rows that are no retry: what any way of counting must come to. */
export function distinctIds(hours: readonly HourOfClicks[]): number {
  return hours.reduce((sum, { first, rows }) => {
    const retries = Math.floor((first + rows - 1) / RETRY_EVERY) - Math.floor(first / RETRY_EVERY);
    return sum + rows - retries;
  }, 0);
}

const TYPES = {
  string: "String",
  int32: "Int32",
  int64: "Int64",
  timestamp_ms: "DateTime64(3, 'UTC')",
  bool: "Bool",
  bytes: "String",
  hash128: "FixedString(16)",
} as const;

/** The archive's columns, the optional ones as such. */
const WRITTEN = ARCHIVE_COLUMNS.map(({ name, type, optional }) => {
  return `\`${name}\` ${optional ? `Nullable(${TYPES[type]})` : TYPES[type]}`;
}).join(", ");

/**
 * `n` is the row, `k` the event, `j` the event whose person, ad and token it has. Campaigns are skewed
 * as real ones are; an ad runs at a few publishers and in few countries.
 */
function rowsSql({ hourMs, partition, first, rows }: HourOfClicks): string {
  return `
    WITH number + ${first} AS n,
      toUInt64(n - (n % ${RETRY_EVERY} = 0 AND n > ${first})) AS k,
      toUInt64(k - 5 * (k % ${AGAIN_EVERY} = 0 AND k > ${first + 5})) AS j,
      sipHash64(j) AS h, sipHash64(j, 1) AS g,
      ${hourMs} + toInt64((k - ${first}) * (${HOUR_MS} / ${rows})) AS time_ms,
      toUInt32(pow(${CAMPAIGNS + 1}, (h % 1000003) / 1000003.)) - 1 AS campaign,
      bitShiftRight(h, 20) % 10 AS ad,
      toUInt32(pow(6, (bitShiftRight(g, 30) % 100003) / 100003.)) - 1 AS place,
      bitShiftRight(g, 8) % 3000000 AS person, h % 2 = 0 AS has_token,
      concat('"event_type":"click","event_time":', toString(time_ms), ',"ad_id":"') AS start
    SELECT
      ${partition} AS partition, n AS offset, 0 AS \`index\`,
      fromUnixTimestamp64Milli(time_ms + 400, 'UTC') AS append_time,
      false AS unparseable, 1 AS schema_version, 'click' AS event_type,
      toString(reinterpretAsUUID(sipHash128(k))) AS event_id,
      toFixedString(substring(SHA256(event_id), 1, 16), 16) AS event_id128,
      fromUnixTimestamp64Milli(time_ms, 'UTC') AS event_time,
      fromUnixTimestamp64Milli(time_ms + 200 + if(n = k, 0, 5000), 'UTC') AS ingest_time,
      concat('cmp_', toString(campaign)) AS campaign_id,
      concat('ad_', toString(campaign), '_', toString(ad)) AS ad_id,
      concat('pub_', toString((campaign * 7 + ad * 3 + place * 11) % 50)) AS publisher_id,
      if(h % 200 = 0, concat('busy_', toString(person % 20)), concat('user_', toString(person)))
        AS user_id,
      ['DE','FR','US','NL','GB','ES','IT','PL'][
        1 + (campaign + toUInt32(bitShiftRight(h, 40) % 10 > 7)) % 8] AS geo,
      ['desktop','mobile','tablet','tv'][1 + least(bitShiftRight(h, 44) % 8, 3)] AS device,
      multiIf(g % 101 = 0, 'Googlebot/2.1 (+http://www.google.com/bot.html)',
        g % 211 = 0, 'curl/8.5.0',
        concat('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/',
          toString(100 + g % 30), '.0.', toString(bitShiftRight(g, 4) % 10), '.0 Safari/537.36'))
        AS user_agent,
      concat('k1.', lower(hex(sipHash64(person, 7)))) AS ip_hash,
      concat('198.', toString(person % 51), '.', toString(person % 250), '.0/24') AS ip_net,
      if(has_token, concat('imp_', toString(j)), NULL) AS impression_id, NULL AS click_id,
      NULL AS conversion_value_micros, NULL AS token, if(g % 997 = 0, true, NULL) AS test,
      'eu' AS region, 'src_1' AS source_id,
      concat(if(has_token, 'token_ok', 'token_absent'),
        multiIf(g % 503 = 0, ',prefetch', g % 307 = 0, ',datacenter_ip', '')) AS flags,
      NULL AS ext,
      concat('{"schema_version":1,"event_id":"', event_id, '",', start, ad_id, '","user_id":"',
        user_id, '","impression_id":', toString(j), '}') AS line
    FROM numbers(${rows})`;
}
