/** The same day by DuckDB on the raw Parquet files: one query, two threads. */
import { DuckDBInstance } from "@duckdb/node-api";
import { peakMb } from "./child.ts";
import { BY_ITSELF, peerDay } from "./peerDay.ts";

const { files, agents, paused, pausedFromMs, pausedToMs, memoryMb, scratchDir } = peerDay();
const ORDER = `ingest_time, partition, "offset", "index"`;
const instance = await DuckDBInstance.create(":memory:", {
  threads: "2",
  memory_limit: `${memoryMb}MB`,
  temp_directory: scratchDir,
});
const connection = await instance.connect();
await connection.run("set preserve_insertion_order = false");
await connection.run("set timezone = 'UTC'");
const startedMs = performance.now();
const startedCpu = process.cpuUsage();
await connection.run(`
  CREATE TEMP TABLE cube AS
  WITH
    agents AS (SELECT * FROM read_csv('${agents}', header = true, all_varchar = false)),
    first AS (
      SELECT event_id, unnest(arg_min(struct_pack(partition, "offset", "index", event_time,
        ingest_time, event_type, campaign_id, ad_id, publisher_id, user_id, ip_net, geo, device,
        user_agent, impression_id, test, flags), (${ORDER})))
      FROM read_parquet('${files}')
      WHERE NOT unparseable
      GROUP BY event_id
    ),
    facts AS (
      SELECT first.* EXCLUDE (test), coalesce(test, false) AS test, is_bot, is_browser,
        ${BY_ITSELF} AS itself,
        campaign_id = '${paused}' AND epoch_ms(event_time) >= ${pausedFromMs}
          AND epoch_ms(event_time) < ${pausedToMs} AS is_paused,
        itself IS NULL OR itself LIKE 'token%' AS uses_token
      FROM first LEFT JOIN agents USING (user_agent)
    ),
    tokens AS (
      SELECT *, CASE WHEN itself IS NOT NULL THEN itself WHEN is_paused THEN 'inactive_campaign'
          WHEN impression_id IS NOT NULL AND flags LIKE '%token_ok%' AND row_number() OVER (
            PARTITION BY impression_id, ad_id, uses_token ORDER BY ${ORDER}) > 1 THEN 'unlinked'
          ELSE NULL END AS reason
      FROM facts
    ),
    windows AS (
      SELECT *,
        epoch_ms(lead(event_time) OVER (PARTITION BY reason IS NULL, campaign_id, ad_id, user_id
          ORDER BY event_time, ${ORDER})) - epoch_ms(event_time) AS next_ms,
        count(*) FILTER (NOT test) OVER (
          PARTITION BY user_id, date_trunc('minute', event_time)) AS of_user,
        count(*) FILTER (NOT test) OVER (
          PARTITION BY ip_net, date_trunc('minute', event_time)) AS of_net
      FROM tokens
    ),
    judged AS (
      SELECT *, CASE WHEN reason IS NOT NULL THEN reason WHEN next_ms <= 30000 THEN 'double_click'
        WHEN of_user > 10 OR of_net > 6000 THEN 'velocity' ELSE 'valid' END AS verdict
      FROM windows
    )
  SELECT campaign_id, date_trunc('hour', event_time) AS hour, ad_id, publisher_id, geo, device,
    event_type, verdict, count(*) AS events,
    250000 * count(*) FILTER (verdict = 'valid') AS cost,
    count(DISTINCT user_id) FILTER (verdict = 'valid') AS users
  FROM judged
  GROUP BY ALL`);
const ms = performance.now() - startedMs;
const { user, system } = process.cpuUsage(startedCpu);
const answer = await connection.runAndReadAll(
  "SELECT verdict, sum(events)::BIGINT FROM cube GROUP BY verdict",
);
const verdicts = Object.fromEntries(
  answer.getRows().map(([verdict, events]) => [String(verdict), Number(events)]),
);
const cpuMs = (user + system) / 1_000;
process.stdout.write(JSON.stringify({ ms, cpuMs, peakMb: peakMb("self"), verdicts }));
process.exit(0);
