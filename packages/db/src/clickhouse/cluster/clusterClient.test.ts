import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { openClickHouse } from "../client.ts";
import { UnknownStatementError } from "./clusterStatements.ts";

/** What a server was sent: the text, and the settings beside it. */
interface Sent {
  readonly sql: string;
  readonly settings: URLSearchParams;
}

const sent: Sent[] = [];
const server = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString("utf8");
  const settings = new URL(request.url ?? "/", "http://server").searchParams;
  sent.push({ sql: settings.get("query") ?? body, settings });
  response.end();
});
beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
afterAll(() => void server.close());
beforeEach(() => void sent.splice(0));

function open(cluster: Parameters<typeof openClickHouse>[1]) {
  const { port } = server.address() as AddressInfo;
  return openClickHouse(`http://127.0.0.1:${port}/clicks`, cluster);
}

const DELETE = "DELETE FROM truth_cube WHERE build_id = 1";
const ADD = "ALTER TABLE hot_hours ADD COLUMN IF NOT EXISTS a UInt8";

it("sends one engine what it is given, and no word of a cluster", async () => {
  const client = open(null);
  await client.command({ query: DELETE });
  await client.command({ query: "OPTIMIZE TABLE hot_minutes" });
  await client.close();
  expect(sent.map(({ sql }) => sql)).toEqual([DELETE, "OPTIMIZE TABLE hot_minutes"]);
  expect(
    sent
      .flatMap(({ settings }) => [...settings.keys()])
      .filter((name) => {
        return /distributed|quorum|shard|async_insert|_sync$/.test(name);
      }),
  ).toEqual([]);
});

it("sends a cluster each statement in the form that it has there, in order", async () => {
  const client = open({ name: "c", replicas: 3 });
  await client.command({ query: ADD });
  await client.command({ query: DELETE });
  await client.close();
  expect(sent.map(({ sql }) => sql)).toEqual([
    "ALTER TABLE hot_hours_local ON CLUSTER 'c' ADD COLUMN IF NOT EXISTS a UInt8",
    "ALTER TABLE hot_hours ON CLUSTER 'c' ADD COLUMN IF NOT EXISTS a UInt8",
    "DELETE FROM truth_cube_local ON CLUSTER 'c' WHERE build_id = 1",
  ]);
});

// Each of these was a wrong number, or may be one, without it (decision 140).
it("says with each what makes it mean the same", async () => {
  const client = open({ name: "c", replicas: 3 });
  await client.command({ query: DELETE, clickhouse_settings: { max_threads: 1 } });
  await client.close();
  const [first] = sent;
  expect(Object.fromEntries(first?.settings ?? [])).toMatchObject({
    distributed_product_mode: "global",
    distributed_foreground_insert: "1",
    parallel_distributed_insert_select: "0",
    insert_quorum: "3",
    async_insert: "0",
    skip_unavailable_shards: "0",
    max_threads: "1",
  });
});

it("sends nothing that is not known, by no way", async () => {
  const client = open({ name: "c", replicas: 1 });
  await expect(client.command({ query: "OPTIMIZE TABLE hot_minutes" })).rejects.toThrow(
    UnknownStatementError,
  );
  await expect(client.query({ query: "SHOW TABLES" })).rejects.toThrow(UnknownStatementError);
  await expect(client.exec({ query: "SYSTEM FLUSH LOGS" })).rejects.toThrow(UnknownStatementError);
  await expect(client.query({ query: ADD })).rejects.toThrow(RangeError);
  await expect(client.insert({ table: "new_table", values: [{ a: 1 }] })).rejects.toThrow(
    RangeError,
  );
  await client.close();
  expect(sent).toEqual([]);
});
