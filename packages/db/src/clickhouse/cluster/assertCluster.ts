import type { ClickHouseClient } from "@clickhouse/client";
import { z } from "zod";
import { readRows } from "../reader.ts";
import type { ClickHouseCluster } from "./clickhouseCluster.ts";
import { SHARDED_BY } from "./shardedTables.ts";

/** The servers are not set up as the settings say. */
export class ClusterMismatchError extends Error {
  override readonly name = "ClusterMismatchError";
}

const shardsSchema = z.array(
  z.object({
    shard: z.coerce.number(),
    replicas: z.coerce.number(),
    replicates: z.coerce.boolean(),
  }),
);
const macrosSchema = z.array(z.object({ macro: z.string() }));
const tablesSchema = z.array(z.object({ name: z.string(), engine: z.string() }));

/**
 * Looks whether the servers know the cluster, with as many replicas of each shard as rows are waited for
 * on, and their own places in it.
 *
 * @throws {ClusterMismatchError} saying what is otherwise.
 */
export async function assertCluster(
  client: ClickHouseClient,
  { name, replicas }: ClickHouseCluster,
): Promise<void> {
  const ask = (query: string, sql: string) =>
    readRows(client, { name: query, sql, params: { name }, row: z.unknown() });
  const shards = shardsSchema.parse(
    await ask(
      "cluster.shards",
      `SELECT shard_num AS shard, count() AS replicas,
        toUInt8(min(internal_replication)) AS replicates
      FROM system.clusters WHERE cluster = {name: String} GROUP BY shard_num ORDER BY shard_num`,
    ),
  );
  if (shards.length === 0) throw new ClusterMismatchError(`ClickHouse knows no cluster ${name}`);
  for (const shard of shards) {
    if (shard.replicas !== replicas) {
      throw new ClusterMismatchError(
        `shard ${shard.shard} of ${name} has ${shard.replicas} replicas, CLICKHOUSE_REPLICAS says ${replicas}`,
      );
    }
    if (!shard.replicates) {
      throw new ClusterMismatchError(`shard ${shard.shard} of ${name} lacks internal_replication`);
    }
  }
  const macros = macrosSchema.parse(
    await ask(
      "cluster.macros",
      "SELECT macro FROM system.macros WHERE macro IN ('shard', 'replica') AND {name: String} != ''",
    ),
  );
  if (macros.length < 2) {
    throw new ClusterMismatchError("the servers need the macros {shard} and {replica}");
  }
}

/**
 * Looks whether the tables are those of a cluster, or of one engine: a database changes from one to the
 * other by being filled anew, and what is read or written as the other would be wrong without a word.
 *
 * @throws {ClusterMismatchError} naming a table that is otherwise.
 */
export async function assertTables(
  client: ClickHouseClient,
  cluster: ClickHouseCluster | null,
): Promise<void> {
  const tables = tablesSchema.parse(
    await readRows(client, {
      name: "cluster.tables",
      sql: `SELECT name, engine FROM system.tables
        WHERE database = currentDatabase() AND name IN ({tables: Array(String)})`,
      params: { tables: Object.keys(SHARDED_BY) },
      row: z.unknown(),
    }),
  );
  const other = tables.find(({ engine }) => (engine === "Distributed") !== (cluster !== null));
  if (other === undefined) return;
  throw new ClusterMismatchError(
    cluster === null
      ? `${other.name} is spread over a cluster: set CLICKHOUSE_CLUSTER to its name`
      : `${other.name} is a table of one engine: a cluster needs a database of its own`,
  );
}
