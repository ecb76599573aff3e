/** The whole day in one query on the same engine, deduped by `GROUP BY event_id` on strings. */
import chdb from "chdb";
import { peakMb } from "./child.ts";

const [, , files = ""] = process.argv;
const session = new chdb.Session();
session.query("select 1", "CSV");
const startedMs = performance.now();
const answer = session.query(
  `
  SELECT sum(events), sum(cost) FROM (
    SELECT campaign_id, toStartOfHour(event_time) AS hour, ad_id, publisher_id, geo, device,
      multiIf(test, 'test', has(words, 'bot_user_agent'), 'bot_user_agent',
        has(words, 'prefetch'), 'prefetch', 'valid') AS verdict,
      count() AS events, sum(if(verdict = 'valid', 250000, 0)) AS cost, uniqExact(user_id) AS users
    FROM (
      SELECT tupleElement(winner, 1) AS campaign_id, tupleElement(winner, 2) AS event_time,
        tupleElement(winner, 3) AS ad_id, tupleElement(winner, 4) AS publisher_id,
        tupleElement(winner, 5) AS geo, tupleElement(winner, 6) AS device,
        tupleElement(winner, 7) AS test, tupleElement(winner, 8) AS words,
        tupleElement(winner, 9) AS user_id
      FROM (SELECT argMin((campaign_id, event_time, ad_id, publisher_id, geo, device, test,
          splitByChar(',', flags), user_id), (ingest_time, partition, offset)) AS winner
      FROM file('${files}', 'Parquet')
      WHERE NOT unparseable
      GROUP BY event_id)
    )
    GROUP BY campaign_id, hour, ad_id, publisher_id, geo, device, verdict
  )
  SETTINGS max_threads = 2, use_hive_partitioning = 0`,
  "CSV",
);
const ms = performance.now() - startedMs;
const distinct = Number(String(answer).trim().split(",")[0]);
process.stdout.write(JSON.stringify({ ms, peakMb: peakMb("self"), distinct }));
process.exit(0);
