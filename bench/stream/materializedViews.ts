/** The peer that lets ClickHouse do it: raw rows in, a materialized view for each cube. */
import { rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { startClickHouse } from "@trueclick/local-stack/clickhouse";
import { makeBenchFolder } from "../harness/benchFolder.ts";
import { cpuSecondsOf } from "./cpuTime.ts";
import type { Traffic } from "./traffic.ts";

type ClickHouseClient = ReturnType<typeof openClickHouse>;

const BLOCKS_AN_INSERT = 40;
/** How often, and how many times, it is asked whether anything is still being merged. */
const MERGE_POLL_MS = 250;
const MERGE_POLLS_MAX = 80;
const CUBES = { ad: "ad_id", geo: "geo", device: "device", publisher: "publisher_id" };

export interface ViewsPeer {
  /**
   * Inserts the traffic into empty tables: processor seconds of the engine, until it merges no more.
   * Merging is how it comes to one state a cell; ours has that when it hands over.
   */
  insertAll(traffic: Traffic): Promise<number>;
  /** Distinct clicks by `cube/campaign/minute/value`, asked of the raw rows. */
  cellsBySql(): Promise<Map<string, number>>;
  stop(): Promise<void>;
}

export async function openViewsPeer(): Promise<ViewsPeer> {
  const dataDir = await makeBenchFolder();
  const server = await startClickHouse({ dataDir, port: 0, log: () => {} });
  const client = openClickHouse(server.url);
  await createTables(client);
  return {
    async insertAll(traffic) {
      for (const table of ["raw", ...Object.keys(CUBES).map((cube) => `by_${cube}`)]) {
        await client.command({ query: `TRUNCATE TABLE ${table}` });
      }
      const startedS = cpuSecondsOf(server.pid);
      for (let from = 0; from < traffic.blocks.length; from += BLOCKS_AN_INSERT) {
        const some = traffic.blocks.slice(from, from + BLOCKS_AN_INSERT);
        const lines = some.flatMap(({ value }) => [value, Buffer.from("\n")]);
        await insert(server.url, Buffer.concat(lines));
      }
      await mergesToRest(client);
      return cpuSecondsOf(server.pid) - startedS;
    },
    async cellsBySql() {
      const cells = new Map<string, number>();
      for (const [cube, column] of Object.entries(CUBES)) {
        const answer = await client.query({
          query: `SELECT campaign_id, toString(intDiv(event_time, 60000) * 60000) AS minute,
              ${column} AS value, toUInt32(uniqExact(event_id)) AS clicks
            FROM raw WHERE event_type = 'click' GROUP BY campaign_id, minute, value`,
          format: "JSONCompactEachRow",
        });
        for (const [campaign, minute, value, clicks] of await answer.json<unknown[]>()) {
          cells.set(`${cube}/${campaign}/${minute}/${value}`, Number(clicks));
        }
      }
      return cells;
    },
    async stop() {
      await client.close();
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function mergesToRest(client: ClickHouseClient): Promise<void> {
  for (let poll = 0; poll < MERGE_POLLS_MAX; poll += 1) {
    const query = "SELECT toUInt32(count()) FROM system.merges WHERE database = currentDatabase()";
    const answer = await client.query({ query, format: "JSONCompactEachRow" });
    const [[merges] = []] = await answer.json<number[]>();
    if (merges === 0) return;
    await setTimeout(MERGE_POLL_MS);
  }
}

/** As bytes, as they are: the client would make objects of them and JSON again. */
async function insert(serverUrl: string, rows: Buffer<ArrayBuffer>): Promise<void> {
  const url = new URL("/", serverUrl);
  url.searchParams.set("query", "INSERT INTO raw FORMAT JSONEachRow");
  url.searchParams.set("input_format_skip_unknown_fields", "1");
  const answer = await fetch(url, { method: "POST", body: rows });
  if (!answer.ok) throw new Error(await answer.text());
}

/** Ids are deduped in the views, by exact sets: there is no other place to do it in SQL. */
async function createTables(client: ClickHouseClient): Promise<void> {
  await client.command({
    query: `CREATE TABLE raw (event_id String, event_type LowCardinality(String),
      event_time Int64, campaign_id LowCardinality(String), ad_id LowCardinality(String),
      publisher_id LowCardinality(String), geo LowCardinality(String),
      device LowCardinality(String), user_id String)
      ENGINE = MergeTree ORDER BY (campaign_id, event_time)`,
  });
  for (const [cube, column] of Object.entries(CUBES)) {
    await client.command({
      query: `CREATE TABLE by_${cube} (campaign_id LowCardinality(String), minute Int64,
        value LowCardinality(String), clicks AggregateFunction(uniqExact, String))
        ENGINE = AggregatingMergeTree ORDER BY (campaign_id, minute, value)`,
    });
    await client.command({
      query: `CREATE MATERIALIZED VIEW view_${cube} TO by_${cube} AS
        SELECT campaign_id, intDiv(event_time, 60000) AS minute, ${column} AS value,
          uniqExactStateIf(event_id, event_type = 'click') AS clicks
        FROM raw GROUP BY campaign_id, minute, value`,
    });
  }
}
