/** A stream that goes on: flushes of both partitions each second, in the order that the stream keeps. */
import { setTimeout as wait } from "node:timers/promises";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { openDatabase } from "@trueclick/db/postgres/database";
import { streamCheckpoints } from "@trueclick/db/postgres/schema/stream";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import { eq, sql } from "drizzle-orm";

const FLUSH_INTERVAL_MS = SECOND_MS;
/** A flush is of the minutes that are still counted. */
const OPEN_MS = MINUTE_MS;

export interface LiveStream {
  readonly flushes: () => number;
  stop(): Promise<void>;
}

/**
 * Writes rows of the last minute and evidence and users of the last hour once more, as a replay would: there
 * are new parts, announced and committed records, and every sum is as it was, so that answers can still be
 * compared.
 */
export function startLiveStream(
  urls: { readonly postgres: string; readonly clickhouse: string },
  endMs: number,
): LiveStream {
  const { db, close } = openDatabase(urls.postgres, { connectionsMax: 2 });
  const client = openClickHouse(urls.clickhouse);
  const stopping = new AbortController();
  let flushes = 0;
  const again = (table: string, columns: string, time: string, fromMs: number, where: string) =>
    client.command({
      query: `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM ${table}
        WHERE ${time} >= toDateTime(${fromMs / SECOND_MS}, 'UTC') AND ${where} LIMIT 1000`,
    });
  const flush = async (partition: number) => {
    const { nextOffset, announcedOffset } = streamCheckpoints;
    const isIt = eq(streamCheckpoints.partition, partition);
    const announced = sql`${announcedOffset} + 1`;
    await db.update(streamCheckpoints).set({ announcedOffset: announced }).where(isIt);
    const own = `partition = ${partition}`;
    await Promise.all([
      again("hot_minutes", MINUTE_COLUMNS, "window_start", endMs - OPEN_MS, own),
      again("stream_rejects", REJECT_COLUMNS, "event_hour", endMs - HOUR_MS, own),
      again("hot_users", USER_COLUMNS, "event_hour", endMs - HOUR_MS, "true"),
    ]);
    const committed = sql`${nextOffset} + 1`;
    await db.update(streamCheckpoints).set({ nextOffset: committed }).where(isIt);
    flushes += 1;
  };
  const run = async () => {
    while (!stopping.signal.aborted) {
      await Promise.all([flush(0), flush(1)]);
      await wait(FLUSH_INTERVAL_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };
  const running = run();
  // Whoever stops it hears of a fault; until then nobody waits for it.
  running.catch(() => {});
  return {
    flushes: () => flushes,
    async stop() {
      stopping.abort();
      try {
        await running;
      } finally {
        await Promise.all([close(), client.close()]);
      }
    },
  };
}

const MINUTE_COLUMNS = `advertiser_id, cube, campaign_id, window_start, dimension_value, partition, clicks,
  invalid_clicks, duplicate_clicks, impressions, conversions, cost_micros, version`;
const REJECT_COLUMNS = `advertiser_id, campaign_id, event_hour, partition, offset, \`index\`, event_id,
  event_type, reason, event_time, append_time`;
const USER_COLUMNS = "advertiser_id, campaign_id, event_hour, users";
