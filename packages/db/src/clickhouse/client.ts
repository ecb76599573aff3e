import {
  type ClickHouseClient,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
} from "@clickhouse/client";
import { type ClickHouseCluster, clusterSettings } from "./cluster/clickhouseCluster.ts";
import { renderStatements } from "./cluster/clusterClient.ts";
import { clusterStatements } from "./cluster/clusterStatements.ts";

const REQUEST_TIMEOUT_MS = 120_000;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Of statements that somebody waits for. To compile what one computes takes the engine some 45 ms, when it is
 * asked for the fourth time, and saves nothing that could be measured of what a report reads (decision 159).
 */
export const ANSWERED_AT_ONCE: ClickHouseSettings = {
  compile_expressions: 0,
  compile_aggregate_expressions: 0,
  compile_sort_description: 0,
};

/**
 * A client of the ClickHouse behind `url`; user, password and database may be part of it.
 *
 * @param cluster Of which the servers behind `url` are; null for one engine.
 * @param settings Of every statement.
 */
export function openClickHouse(
  url: string,
  cluster: ClickHouseCluster | null = null,
  settings: ClickHouseSettings = {},
): ClickHouseClient {
  if (cluster === null) return createClickHouse(url, settings);
  const client = createClickHouse(url, { ...settings, ...clusterSettings(cluster) });
  return renderStatements(client, (sql) => clusterStatements(sql, cluster));
}

/** @param settings Of every statement. */
export function createClickHouse(url: string, settings: ClickHouseSettings): ClickHouseClient {
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
      ...settings,
    },
  });
}
