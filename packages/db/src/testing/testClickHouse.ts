import { type ClickHouseClient, SettingsMap } from "@clickhouse/client";
import { areTestsSharded, TWO_SHARDS } from "@trueclick/local-stack/testing/two-shards";
import { createClickHouse, openClickHouse } from "../clickhouse/client.ts";
import { clusterSettings } from "../clickhouse/cluster/clickhouseCluster.ts";
import { renderStatements } from "../clickhouse/cluster/clusterClient.ts";
import { clusterStatements } from "../clickhouse/cluster/clusterStatements.ts";
import {
  localTable,
  SHARDED_BY,
  shardedTable,
  shardingKey,
} from "../clickhouse/cluster/shardedTables.ts";
import { migrateClickHouse } from "../clickhouse/migrate.ts";

/** Of a test's own columns, in which a row says on which shard its key puts it. */
const SHARD_COLUMN = "test_shard";

/** A client of a test's own database: of one engine, or of its two shards where tests are sharded. */
export function openTestClickHouse(url: string): ClickHouseClient {
  if (!areTestsSharded()) return openClickHouse(url);
  const client = createClickHouse(url, {
    ...clusterSettings(TWO_SHARDS),
    additional_table_filters: onlyOwnRows(new URL(url).pathname.slice(1)),
  });
  return renderStatements(client, twoShardsStatements);
}

/** Brings such a database to the newest schema. */
export function migrateTestClickHouse(client: ClickHouseClient): Promise<void> {
  return migrateClickHouse(client, areTestsSharded() ? TWO_SHARDS : null);
}

/**
 * What the two shards of one engine are told of a cluster's statements: there is one node, so nothing is
 * said `ON CLUSTER`, and no keeper, so nothing is replicated.
 */
function twoShardsStatements(sql: string): readonly string[] {
  // What tests alone do to tables.
  const [, begin, name, rest] =
    /^\s*(TRUNCATE TABLE|ALTER TABLE) (\w+)( UPDATE .*)?$/.exec(sql) ?? [];
  if (begin !== undefined) {
    return [`${begin} ${localTable(shardedTable(name ?? ""))}${rest ?? ""}`];
  }
  if (/^DROP TABLE \w+ SYNC$/.test(sql)) return [sql];
  return clusterStatements(sql, TWO_SHARDS).flatMap((statement) => {
    const here = statement
      .replace(` ON CLUSTER '${TWO_SHARDS.name}'`, "")
      .replace(/\bReplicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?/, "$1(");
    const [, made] = /^CREATE TABLE IF NOT EXISTS (\w+) AS /.exec(here) ?? [];
    if (made === undefined) return [here];
    const table = shardedTable(made);
    return [
      here,
      `ALTER TABLE ${localTable(table)} ADD COLUMN IF NOT EXISTS ${SHARD_COLUMN} UInt64
        MATERIALIZED ${shardingKey(table)} % ${TWO_SHARDS.shards} + 1`,
    ];
  });
}

/** Each shard finds the rows that are on it, and whoever asks beside the cluster none. */
function onlyOwnRows(database: string): SettingsMap {
  const filters = Object.keys(SHARDED_BY).map((name) => {
    return [`${database}.${localTable(shardedTable(name))}`, `${SHARD_COLUMN} = shardNum()`];
  });
  return SettingsMap.from(Object.fromEntries(filters));
}
