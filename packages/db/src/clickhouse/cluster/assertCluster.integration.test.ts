import type { ClickHouseClient } from "@clickhouse/client";
import { createTestClickHouseDatabase, type TestDatabase } from "@trueclick/local-stack/testing";
import { TWO_SHARDS } from "@trueclick/local-stack/testing/two-shards";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openClickHouse } from "../client.ts";
import { migrateClickHouse } from "../migrate.ts";
import { assertCluster, ClusterMismatchError } from "./assertCluster.ts";

const CLUSTER = { name: TWO_SHARDS.name, replicas: TWO_SHARDS.replicas };

let database: TestDatabase;
let client: ClickHouseClient;
beforeAll(async () => {
  database = await createTestClickHouseDatabase();
  client = openClickHouse(database.url);
});
afterAll(async () => {
  await client.close();
  await database.drop();
});

it("takes a cluster that is what the settings say", async () => {
  await expect(assertCluster(client, CLUSTER)).resolves.toBeUndefined();
});

it.each([
  [{ ...CLUSTER, name: "other" }, "knows no cluster other"],
  [{ ...CLUSTER, replicas: 2 }, "shard 1 of two_shards has 1 replicas, CLICKHOUSE_REPLICAS says 2"],
])("refuses %o before any table is made", async (cluster, why) => {
  await expect(migrateClickHouse(client, cluster)).rejects.toThrow(why);
});

// Read as the other kind, the tables would give an answer, and a wrong one.
it.each([
  [null, `Distributed('${TWO_SHARDS.name}', 'default', 'x')`, "set CLICKHOUSE_CLUSTER"],
  [CLUSTER, "MergeTree ORDER BY a", "a cluster needs a database of its own"],
])("refuses, as %o, a table with the engine %s", async (cluster, engine, why) => {
  await client.command({
    query: `CREATE OR REPLACE TABLE hot_hours (a String) ENGINE = ${engine}`,
  });
  const migrated = migrateClickHouse(client, cluster);
  await expect(migrated).rejects.toBeInstanceOf(ClusterMismatchError);
  await expect(migrated).rejects.toThrow(why);
});
