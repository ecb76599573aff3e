import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createTestClickHouseDatabase, type TestDatabase } from "../testing/engines.ts";
import { startClickHouse } from "./clickhouseProcess.ts";

let database: TestDatabase;
let client: ClickHouseClient;

/** The client writes every refused query to the console; the tests below refuse many. */
const QUIET = { level: ClickHouseLogLevel.OFF };

beforeAll(async () => {
  database = await createTestClickHouseDatabase();
  client = createClient({
    url: database.url,
    log: QUIET,
    compression: { request: true, response: true },
    clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
  });
});
afterAll(async () => {
  await client.close();
  await database.drop();
});

async function rows(query: string, query_params: Record<string, unknown> = {}) {
  const answer = await client.query({ query, query_params, format: "JSONEachRow" });
  return answer.json();
}

describe("for @clickhouse/client, unchanged", () => {
  it("brings every byte of a value there and back, as data and as parameter", async () => {
    const text = `'"\\\t\n\r\0ü${String.fromCodePoint(0x1f600)};--`;
    await client.command({
      query: "CREATE TABLE texts (id UInt64, text String) ENGINE = MergeTree ORDER BY id",
    });
    const values = [{ id: "18446744073709551615", text }];
    const { summary } = await client.insert({ table: "texts", values, format: "JSONEachRow" });
    expect(summary?.written_rows).toBe("1");
    const query = "SELECT id, text FROM texts WHERE text = {text: String}";
    expect(await rows(query, { text })).toEqual(values);
  });

  it("takes parameters of every common type", async () => {
    const sql = `SELECT {n: UInt64} AS n, {i: Int64} AS i, {a: Array(String)} AS a, {d: Date} AS d,
      {t: DateTime64(3, 'UTC')} AS t`;
    const given = { n: "9007199254740993", i: -5, a: ["x'y", "z,"], d: "2026-11-23" };
    const t = new Date("2026-11-23T10:00:00.123Z");
    expect(await rows(sql, { ...given, t })).toEqual([
      { ...given, i: "-5", t: "2026-11-23 10:00:00.123" },
    ]);
  });

  it.each([
    ["an unknown table", "SELECT * FROM nowhere", "60"],
    ["bad syntax", "SELEC 1", "62"],
    ["a parameter that is not given", "SELECT {missing: String}", "456"],
    ["a failure half-way", "SELECT throwIf(number = 3) FROM numbers(10)", "395"],
  ])("says what is wrong with %s by its number", async (_what, query, code) => {
    await expect(client.query({ query })).rejects.toMatchObject({ code });
  });

  // The engine keeps what a failed query had put out, in front of the session's next answer.
  it("answers a query whole and alone after one that failed half-way", async () => {
    for (let session = 0; session < 8; session++) {
      const query = "SELECT throwIf(number = 3) FROM numbers(10)";
      await client.query({ query, format: "JSON" }).catch(() => {});
    }
    const answers = await Promise.all(Array.from({ length: 8 }, () => rows("SELECT 1 AS x")));
    expect(answers).toEqual(Array.from({ length: 8 }, () => [{ x: 1 }]));
  });

  it("refuses a setting that does not exist, and goes on", async () => {
    const url = new URL("/?query=SELECT%201&no_such_setting=1", database.url);
    const refused = await fetch(url);
    expect([refused.status, refused.headers.get("X-ClickHouse-Exception-Code")]).toEqual([
      404,
      "115",
    ]);
    expect(await rows("SELECT 1 AS x")).toEqual([{ x: 1 }]);
  });

  it("streams a million rows", async () => {
    const answer = await client.query({
      query: "SELECT number FROM numbers(1000000)",
      format: "JSONEachRow",
    });
    let count = 0;
    for await (const batch of answer.stream()) count += batch.length;
    expect(count).toBe(1_000_000);
  });

  it("does not let a slow query hold up the others", async () => {
    let slowEnded = false;
    const slow = rows(
      "SELECT sum(sipHash64(number)) FROM numbers(60000000) SETTINGS max_threads = 1",
    );
    const ended = slow.then(() => {
      slowEnded = true;
    });
    for (let quick = 0; quick < 20; quick++) await rows("SELECT 1 AS x");
    expect(slowEnded).toBe(false);
    await ended;
  });
});

describe("for anybody who speaks HTTP", () => {
  const at = (path: string) => new URL(path, inject("clickhouseUrl"));

  it("answers a ping", async () => {
    expect(await (await fetch(at("/ping"))).text()).toBe("Ok.\n");
  });

  it("takes a query by GET and by POST, in the format asked for", async () => {
    const get = await fetch(at("/?query=SELECT%201%20AS%20x&default_format=JSONEachRow"));
    expect([await get.text(), get.headers.get("X-ClickHouse-Format")]).toEqual([
      '{"x":1}\n',
      "JSONEachRow",
    ]);
    const post = await fetch(at("/"), {
      method: "POST",
      body: "SELECT 1 AS x FORMAT CSVWithNames",
    });
    expect(await post.text()).toBe('"x"\n1\n');
  });
});

// A confirmed INSERT is money counted; the engine must have it whatever happens next.
it("keeps what it confirmed across a kill -9, and asks for its password", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "trueclick-clickhouse-"));
  const start = () => startClickHouse({ dataDir, port: 0, password: "p@ss:w/rd", log: () => {} });
  try {
    const first = await start();
    const before = createClient({ url: first.url, log: QUIET });
    await before.command({ query: "CREATE TABLE kept (id UInt64) ENGINE = MergeTree ORDER BY id" });
    await before.insert({ table: "kept", values: [{ id: 1 }, { id: 2 }], format: "JSONEachRow" });
    await before.close();
    process.kill(first.pid, "SIGKILL");
    await first.exited;

    const second = await start();
    const after = createClient({ url: second.url, log: QUIET });
    const answer = await after.query({
      query: "SELECT count() AS n FROM kept",
      format: "JSONEachRow",
    });
    expect(await answer.json()).toEqual([{ n: 2 }]);
    await after.close();
    expect((await fetch(`http://127.0.0.1:${second.port}/?query=SELECT%201`)).status).toBe(403);
    await second.stop();
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
