import { expect, it } from "vitest";
import { clusterSettings, parseClickHouseCluster } from "./clickhouseCluster.ts";

it.each([
  [{}, null],
  [{ CLICKHOUSE_CLUSTER: "", CLICKHOUSE_REPLICAS: "3" }, null],
  [{ CLICKHOUSE_CLUSTER: "clicks" }, { name: "clicks", replicas: 2 }],
  [
    { CLICKHOUSE_CLUSTER: "clicks-1", CLICKHOUSE_REPLICAS: "3" },
    { name: "clicks-1", replicas: 3 },
  ],
])("reads %o", (env, cluster) => {
  expect(parseClickHouseCluster(env)).toEqual(cluster);
});

it.each([
  { CLICKHOUSE_CLUSTER: "a'b" },
  { CLICKHOUSE_CLUSTER: "{cluster}" },
  { CLICKHOUSE_CLUSTER: "c", CLICKHOUSE_REPLICAS: "0" },
  { CLICKHOUSE_CLUSTER: "c", CLICKHOUSE_REPLICAS: "many" },
])("refuses %o", (env) => {
  expect(() => parseClickHouseCluster(env)).toThrow(/CLICKHOUSE_/);
});

// A reader remembers what a replica says for good (decision 93): none may lack what was acknowledged.
it("waits for every replica of a shard", () => {
  expect(clusterSettings({ name: "c", replicas: 2 })).toMatchObject({ insert_quorum: "2" });
  expect(clusterSettings({ name: "c", replicas: 1 })).toMatchObject({ insert_quorum: "0" });
});
