import { randomUUID } from "node:crypto";
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestClickHouseDatabase, type TestDatabase } from "../testing/engines.ts";

/** More queries at once than there are sessions, so that every session gets one. */
const ALL_SESSIONS = Array.from({ length: 16 }, (_, index) => index);
const RUNS_FOR_MINUTES = "SELECT sum(sipHash64(number)) AS n FROM numbers(100000000000)";

let database: TestDatabase;
let client: ClickHouseClient;

beforeAll(async () => {
  database = await createTestClickHouseDatabase();
  client = createClient({
    url: database.url,
    max_open_connections: ALL_SESSIONS.length,
    log: { level: ClickHouseLogLevel.OFF },
  });
});
afterAll(async () => {
  await client.close();
  await database.drop();
});

async function rows(query: string, options: { session_id?: string } = {}) {
  const answer = await client.query({ query, format: "JSONEachRow", ...options });
  return answer.json();
}

function onAllSessions<T>(work: () => Promise<T>): Promise<T[]> {
  return Promise.all(ALL_SESSIONS.map(work));
}

// Sessions of the engine are shared by all: whatever one query leaves there, the next could see.
describe("keeps to the query that brought it", () => {
  it("a setting, and the database", async () => {
    const query = "SELECT getSetting('max_block_size') AS size, currentDatabase() AS name";
    const [before] = await rows(query);
    await onAllSessions(async () => {
      const answer = await client.query({ query, clickhouse_settings: { max_block_size: "77" } });
      expect(await answer.text()).toContain("77");
      await fetch(new URL("/?query=SELECT%201&database=default", database.url));
    });
    expect(new Set((await onAllSessions(() => rows(query))).map(String))).toEqual(
      new Set([String([before])]),
    );
    expect(await rows(query)).toEqual([before]);
  });

  // A forgotten parameter must be an error. Another tenant's value in its place would be a leak.
  it("a parameter", async () => {
    const query = "SELECT {tenant: String} AS tenant";
    const secret = await onAllSessions(async () => {
      const answer = await client.query({ query, query_params: { tenant: "adv_1" } });
      return answer.text();
    });
    expect(secret[0]).toContain("adv_1");
    const refused = await Promise.allSettled(ALL_SESSIONS.map(() => rows(query)));
    expect(refused.map((answer) => answer.status)).toEqual(ALL_SESSIONS.map(() => "rejected"));
    await expect(rows(query)).rejects.toMatchObject({ code: "456" });
  });

  it("what SET, USE and temporary tables change", async () => {
    await onAllSessions(() => client.command({ query: "SET max_block_size = 33" }));
    await onAllSessions(() => client.command({ query: "USE system" }));
    const temporary = "CREATE TEMPORARY TABLE mine (id UInt8)";
    await onAllSessions(() => client.command({ query: temporary }));
    const query = "SELECT getSetting('max_block_size') = 33 AS is_set, currentDatabase() AS name";
    const name = new URL(database.url).pathname.slice(1);
    for (const answer of await onAllSessions(() => rows(query))) {
      expect(answer).toEqual([{ is_set: 0, name }]);
    }
    await expect(rows("SELECT * FROM mine")).rejects.toMatchObject({ code: "60" });
  });
});

describe("a session that the client names", () => {
  it("keeps its temporary tables", async () => {
    const session_id = randomUUID();
    await client.command({ query: "CREATE TEMPORARY TABLE mine (id UInt8)", session_id });
    await client.command({ query: "INSERT INTO mine VALUES (7)", session_id });
    expect(await rows("SELECT id FROM mine", { session_id })).toEqual([{ id: 7 }]);
  });

  it("refuses a second query beside the first", async () => {
    const session_id = randomUUID();
    const gone = new AbortController();
    const first = client.query({ query: RUNS_FOR_MINUTES, session_id, abort_signal: gone.signal });
    first.catch(() => {});
    await expect
      .poll(() => rows("SELECT 1 AS x", { session_id }).catch((error) => error.code), {
        timeout: 50_000,
      })
      .toBe("373");
    gone.abort();
    await expect(first).rejects.toThrow();
  });
});

// Without this, a dashboard that is reloaded ten times holds up everybody for minutes.
it("ends a read whose client has gone, and frees its session", async () => {
  const running = () =>
    rows("SELECT count() AS n FROM system.processes WHERE query LIKE '%100000000000%'");
  // A comment of a query before, or of its own, must not hide the read from who ends it.
  const clickhouse_settings = { log_comment: "of a query" };
  await onAllSessions(async () =>
    (await client.query({ query: "SELECT 1", clickhouse_settings })).text(),
  );
  const gone = new AbortController();
  // One session is left to look on; its count sees itself.
  const left = [{}, {}, { clickhouse_settings }].map((more) =>
    client.query({ query: RUNS_FOR_MINUTES, abort_signal: gone.signal, ...more }),
  );
  const ended = Promise.allSettled(left);
  await expect.poll(running, { timeout: 50_000 }).toEqual([{ n: 4 }]);
  gone.abort();
  expect((await ended).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  await expect.poll(running, { timeout: 50_000 }).toEqual([{ n: 1 }]);
});

// An answer is held whole. Unbounded, one careless SELECT * would take the server down for all.
it("refuses an answer beyond its bound, and lives on", async () => {
  const huge = "SELECT number FROM numbers(50000000)";
  await expect(rows(huge)).rejects.toMatchObject({ code: "396" });
  expect(await rows("SELECT 1 AS x")).toEqual([{ x: 1 }]);
});
