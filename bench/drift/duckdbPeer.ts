/**
 * The same causes by DuckDB: of every event of both sides, joined by coordinates (`events`); or of the same
 * roll-ups and rejects that we keep (`evidence`).
 */
import { hash } from "node:crypto";
import { DuckDBInstance } from "@duckdb/node-api";
import { z } from "zod";
import { peakMb } from "../truth/child.ts";
import { type Cause, causesText } from "./answer.ts";

const [, , kind = "", dir = ""] = process.argv;
const EVENTS = `
  SELECT campaign_id AS campaign, epoch(event_hour)::BIGINT AS hour, reason,
    CASE WHEN verdict = 'valid' THEN '' ELSE verdict END AS verdict, count(*) AS events
  FROM read_parquet('${dir}/stream/*.parquet') AS stream
  JOIN (SELECT partition, "offset", verdict FROM read_parquet('${dir}/truth/*.parquet')) AS truth
    USING (partition, "offset")
  GROUP BY ALL`;
const EVIDENCE = `
  SELECT coalesce(stream.campaign_id, truth.campaign_id) AS campaign,
    epoch(coalesce(stream.event_hour, truth.event_hour))::BIGINT AS hour,
    coalesce(reason, '') AS reason, coalesce(verdict, '') AS verdict, count(*) AS events
  FROM read_parquet('${dir}/stream_rejects.parquet') AS stream
  FULL JOIN read_parquet('${dir}/truth_rejects.parquet') AS truth
    USING (partition, "offset", "index")
  GROUP BY ALL`;
const TOTALS = `
  SELECT campaign_id, hour, sum(stream) AS stream, sum(truth) AS truth FROM (
    SELECT campaign_id, span_start AS hour, clicks AS stream, 0 AS truth
    FROM read_parquet('${dir}/hot_hours.parquet')
    UNION ALL
    SELECT campaign_id, event_hour, 0, events
    FROM read_parquet('${dir}/truth_cube.parquet') WHERE verdict = 'valid')
  GROUP BY ALL`;

const instance = await DuckDBInstance.create(":memory:", { threads: "2" });
const connection = await instance.connect();
await connection.run("set preserve_insertion_order = false");
const startedMs = performance.now();
const startedCpu = process.cpuUsage();
if (kind === "evidence") await connection.runAndReadAll(TOTALS);
const answer = await connection.runAndReadAll(kind === "evidence" ? EVIDENCE : EVENTS);
const ms = performance.now() - startedMs;
const { user, system } = process.cpuUsage(startedCpu);
const row = z.tuple([z.string(), z.coerce.number(), z.string(), z.string(), z.coerce.number()]);
const causes = answer.getRows().map((values): Cause => {
  const [campaign, hour, reason, verdict, events] = row.parse(values);
  return { campaign, hour, reason, verdict, events };
});
const digest = hash("sha256", causesText(causes));
const cpuMs = (user + system) / 1_000;
process.stdout.write(JSON.stringify({ ms, cpuMs, peakMb: peakMb("self"), digest }));
process.exit(0);
