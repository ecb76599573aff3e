/** The whole day in one query on the same engine, deduped by `GROUP BY event_id`; two threads. */
import chdb from "chdb";
import { z } from "zod";
import { peakMb } from "./child.ts";
import { BY_ITSELF, peerDay } from "./peerDay.ts";

const { files, agents, paused, pausedFromMs, pausedToMs, memoryMb, scratchDir } = peerDay();
const MEGABYTE = 1_000_000;
/** Half of the memory, as the engine's manual advises: merging what was put on disk takes the other. */
const spillBytes = (memoryMb / 2) * MEGABYTE;
const COLUMNS = [
  ...["partition", "offset", "index", "event_time", "ingest_time", "event_type", "campaign_id"],
  ...["ad_id", "publisher_id", "user_id", "ip_net", "geo", "device", "user_agent"],
  ...["impression_id", "test", "flags"],
];
const ORDER = "ingest_time, partition, offset, `index`";
const session = new chdb.Session(scratchDir);
session.query("SELECT 1", "CSV");
const startedMs = performance.now();
const startedCpu = process.cpuUsage();
session.query(
  `
  CREATE TABLE cube ENGINE = Memory AS
  WITH
    agents AS (SELECT * FROM file('${agents}', 'CSVWithNames',
      'user_agent String, is_bot Bool, is_browser Bool')),
    first AS (
      SELECT ${COLUMNS.map((name, at) => `tupleElement(winner, ${at + 1}) AS \`${name}\``).join(", ")}
      FROM (
        SELECT argMin((${COLUMNS.map((name) => `\`${name}\``).join(", ")}), (${ORDER})) AS winner
        FROM file('${files}', 'Parquet')
        WHERE NOT unparseable
        GROUP BY event_id
      )
    ),
    facts AS (
      SELECT first.* EXCEPT (test), ifNull(first.test, false) AS test, is_bot, is_browser,
        ${BY_ITSELF} AS itself,
        campaign_id = '${paused}' AND toUnixTimestamp64Milli(event_time) >= ${pausedFromMs}
          AND toUnixTimestamp64Milli(event_time) < ${pausedToMs} AS is_paused,
        itself IS NULL OR itself LIKE 'token%' AS uses_token
      FROM first LEFT JOIN agents ON assumeNotNull(first.user_agent) = agents.user_agent
    ),
    tokens AS (
      SELECT *, multiIf(itself IS NOT NULL, itself, is_paused, 'inactive_campaign',
          impression_id IS NOT NULL AND flags LIKE '%token_ok%' AND row_number() OVER (
            PARTITION BY impression_id, ad_id, uses_token ORDER BY ${ORDER}) > 1, 'unlinked',
          NULL) AS reason
      FROM facts
    ),
    windows AS (
      SELECT *,
        toUnixTimestamp64Milli(leadInFrame(toNullable(event_time)) OVER (
          PARTITION BY reason IS NULL, campaign_id, ad_id, user_id ORDER BY event_time, ${ORDER}
          ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING)) - toUnixTimestamp64Milli(event_time) AS next_ms,
        countIf(NOT test) OVER (PARTITION BY user_id, toStartOfMinute(event_time)) AS of_user,
        countIf(NOT test) OVER (PARTITION BY ip_net, toStartOfMinute(event_time)) AS of_net
      FROM tokens
    ),
    judged AS (
      SELECT *, multiIf(reason IS NOT NULL, reason, next_ms <= 30000, 'double_click',
        of_user > 10 OR of_net > 6000, 'velocity', 'valid') AS verdict
      FROM windows
    )
  SELECT campaign_id, toStartOfHour(event_time) AS hour, ad_id, publisher_id, geo, device,
    event_type, verdict, count() AS events, 250000 * countIf(verdict = 'valid') AS cost,
    uniqExactIf(user_id, verdict = 'valid') AS users
  FROM judged
  GROUP BY campaign_id, hour, ad_id, publisher_id, geo, device, event_type, verdict
  SETTINGS max_threads = 2, use_hive_partitioning = 0, optimize_move_to_prewhere = 0,
    max_memory_usage = ${memoryMb * MEGABYTE}, max_bytes_before_external_group_by = ${spillBytes},
    max_bytes_before_external_sort = ${spillBytes}`,
  "CSV",
);
const ms = performance.now() - startedMs;
const { user, system } = process.cpuUsage(startedCpu);
const answer = session.query(
  "SELECT verdict, toUInt32(sum(events)) AS events FROM cube GROUP BY verdict FORMAT JSON",
  "JSON",
);
const { data } = z
  .object({ data: z.array(z.object({ verdict: z.string(), events: z.number() })) })
  .parse(JSON.parse(String(answer)));
const verdicts = Object.fromEntries(data.map(({ verdict, events }) => [verdict, events]));
const cpuMs = (user + system) / 1_000;
process.stdout.write(JSON.stringify({ ms, cpuMs, peakMb: peakMb("self"), verdicts }));
process.exit(0);
