import type { ClickHouseClient } from "@clickhouse/client";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import type { CellTotals } from "../domain/cubes.ts";
import { type HourUsers, USER_HASH_BYTES } from "../domain/hourUsers.ts";
import type { StreamReject } from "../domain/outcomes.ts";
import { StoreRejectedError, StoreUnavailableError } from "../ports/faults.ts";
import type { HotStore } from "../ports/hotStore.ts";

/** Rows of one INSERT: some tens of megabytes at the longest ids. */
const INSERT_ROWS_MAX = 50_000;
/** Users of one row: 64 kB of text. More users are more rows, of which the table makes one set. */
const USERS_ROW_MAX = 4_096;
const USERS_COLUMNS = ["advertiser_id", "campaign_id", "event_hour", "user_hashes"] as const;

/**
 * Server errors that pass: timeout, too many queries, memory, network, too many parts, no space, a
 * read-only table, an aborted or cancelled query, an unknown status of an insert, no thread, keeper.
 */
const PASSING_CODES: ReadonlySet<string> = new Set(
  "159 202 209 210 236 241 242 243 252 286 319 394 439 999".split(" "),
);

/**
 * Keeps cells in `hot_minutes`, whose engine keeps the highest version of a key, evidence in
 * `stream_rejects`, whose engine keeps one row of a key, and users in `hot_users`, whose engine
 * unites the sets of a key.
 */
export function createClickHouseHotStore(client: ClickHouseClient): HotStore {
  async function insert<Row>(
    table: string,
    rows: readonly Row[],
    signal: AbortSignal,
    columns?: [string, ...string[]],
  ) {
    for (let from = 0; from < rows.length; from += INSERT_ROWS_MAX) {
      const values = rows.slice(from, from + INSERT_ROWS_MAX);
      try {
        await client.insert({
          table,
          values,
          ...(columns === undefined ? {} : { columns }),
          format: "JSONEachRow",
          abort_signal: signal,
          clickhouse_settings: {
            // Stored when answered, or an error: a checkpoint follows.
            async_insert: 0,
            wait_end_of_query: 1,
            // A catch-up may cross many days, a partition each. The engine bounds the days: no event
            // lies further than 60 from its append time.
            max_partitions_per_insert_block: "0",
          },
        });
      } catch (cause) {
        throw toStoreError(table, cause);
      }
    }
  }

  return {
    writeCells: (partition, cells, signal) => {
      const rows = cells.map((cell) => toCellRow(partition, cell));
      return insert("hot_minutes", rows, signal);
    },
    writeUsers: (users, signal) => {
      return insert("hot_users", users.flatMap(toUserRows), signal, [...USERS_COLUMNS]);
    },
    writeRejects: (rejects, signal) => insert("stream_rejects", rejects.map(toRejectRow), signal),
  };
}

function toCellRow(partition: number, cell: CellTotals) {
  return {
    advertiser_id: cell.advertiserId,
    cube: cell.cube,
    campaign_id: cell.campaignId,
    window_start: cell.windowStartMs / SECOND_MS,
    dimension_value: cell.dimensionValue,
    partition,
    clicks: cell.clicks,
    invalid_clicks: cell.invalidClicks,
    duplicate_clicks: cell.duplicateClicks,
    impressions: cell.impressions,
    conversions: cell.conversions,
    cost_micros: cell.costMicros.toString(),
    version: cell.version.toString(),
  };
}

/** One row at least: that an hour has clicks and no user is worth knowing, too. */
function toUserRows({ advertiserId, campaignId, hourStartMs, userHashes }: HourUsers) {
  const rowBytes = USERS_ROW_MAX * USER_HASH_BYTES;
  const rows = Math.max(1, Math.ceil(userHashes.length / rowBytes));
  return Array.from({ length: rows }, (_none, at) => ({
    advertiser_id: advertiserId,
    campaign_id: campaignId,
    event_hour: hourStartMs / SECOND_MS,
    user_hashes: Buffer.from(userHashes.subarray(at * rowBytes, (at + 1) * rowBytes)).toString(
      "hex",
    ),
  }));
}

function toRejectRow(reject: StreamReject) {
  return {
    advertiser_id: reject.advertiserId,
    campaign_id: reject.campaignId,
    event_hour: windowStartMs(reject.eventTimeMs, HOUR_MS) / SECOND_MS,
    partition: reject.partition,
    offset: reject.offset.toString(),
    index: reject.index,
    event_id: reject.eventId,
    event_type: reject.eventType,
    reason: reject.reason,
    event_time: toDateTime64(reject.eventTimeMs),
    append_time: toDateTime64(reject.appendTimeMs),
  };
}

/** `YYYY-MM-DD hh:mm:ss.mmm` in UTC, as ClickHouse reads it under every setting. */
function toDateTime64(epochMs: number): string {
  return new Date(epochMs).toISOString().replace("T", " ").replace("Z", "");
}

function toStoreError(table: string, cause: unknown): Error {
  const code = serverErrorCode(cause);
  return code === undefined || PASSING_CODES.has(code)
    ? new StoreUnavailableError(`ClickHouse did not confirm rows of ${table}`, { cause })
    : new StoreRejectedError(`ClickHouse refused rows of ${table}`, { cause });
}

/**
 * The error number, if it was the server that answered. Read by shape, since `instanceof` fails
 * when two copies of the client are installed; digits only, since Node's own are like `ECONNRESET`.
 */
function serverErrorCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !("code" in cause)) return undefined;
  return typeof cause.code === "string" && /^\d+$/.test(cause.code) ? cause.code : undefined;
}
