import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";

const REQUEST_TIMEOUT_MS = 120_000;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** A client of the ClickHouse behind `url`; user, password and database may be part of it. */
export function openClickHouse(url: string): ClickHouseClient {
  return createClient({
    url,
    request_timeout: REQUEST_TIMEOUT_MS,
    // What goes wrong is thrown to the caller, who knows what to say; the client would say it too.
    log: { level: ClickHouseLogLevel.OFF },
    // Within a machine compressing takes longer than sending.
    compression: { request: false, response: !LOOPBACK.test(new URL(url).hostname) },
    clickhouse_settings: {
      // Counts must arrive exact: a JSON number loses digits past 2^53.
      output_format_json_quote_64bit_integers: 1,
    },
  });
}
