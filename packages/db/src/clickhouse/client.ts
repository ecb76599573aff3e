import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";

const REQUEST_TIMEOUT_MS = 120_000;

/** A client of the ClickHouse behind `url`; user, password and database may be part of it. */
export function openClickHouse(url: string): ClickHouseClient {
  return createClient({
    url,
    request_timeout: REQUEST_TIMEOUT_MS,
    // What goes wrong is thrown to the caller, who knows what to say; the client would say it too.
    log: { level: ClickHouseLogLevel.OFF },
    compression: { request: false, response: true },
    clickhouse_settings: {
      // Counts must arrive exact: a JSON number loses digits past 2^53.
      output_format_json_quote_64bit_integers: 1,
    },
  });
}
