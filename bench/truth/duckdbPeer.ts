/** The same day by DuckDB on the raw Parquet files. */
import { DuckDBInstance } from "@duckdb/node-api";
import { peakMb } from "./child.ts";

const [, , files = ""] = process.argv;
const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
const connection = await instance.connect();
await connection.run("set preserve_insertion_order = false");
const startedMs = performance.now();
const answer = await connection.runAndReadAll(`
  SELECT sum(events), sum(cost) FROM (
    SELECT campaign_id, date_trunc('hour', event_time) AS hour, ad_id, publisher_id, geo, device,
      CASE WHEN test THEN 'test'
        WHEN list_contains(words, 'bot_user_agent') THEN 'bot_user_agent'
        WHEN list_contains(words, 'prefetch') THEN 'prefetch' ELSE 'valid' END AS verdict,
      count(*) AS events, 250000 * count(*) FILTER (NOT test AND NOT list_contains(words, 'bot_user_agent')
        AND NOT list_contains(words, 'prefetch')) AS cost,
      count(DISTINCT user_id) AS users
    FROM (
      SELECT event_id, unnest(arg_min(struct_pack(campaign_id, event_time, ad_id, publisher_id, geo,
        device, test, words := string_split(flags, ','), user_id),
        (ingest_time, partition, "offset")))
      FROM read_parquet('${files}')
      WHERE NOT unparseable
      GROUP BY event_id
    )
    GROUP BY ALL
  )`);
const ms = performance.now() - startedMs;
const distinct = Number(answer.getRows()[0]?.[0]);
process.stdout.write(JSON.stringify({ ms, peakMb: peakMb("self"), distinct }));
process.exit(0);
