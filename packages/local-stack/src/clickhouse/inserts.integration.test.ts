import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from "@clickhouse/client";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import {
  createTestClickHouseDatabase,
  createTestObjectsDir,
  type TestDatabase,
} from "../testing/engines.ts";

let database: TestDatabase;
let client: ClickHouseClient;

beforeAll(async () => {
  database = await createTestClickHouseDatabase();
  client = createClient({ url: database.url, log: { level: ClickHouseLogLevel.OFF } });
});
afterAll(async () => {
  await client.close();
  await database.drop();
});
beforeEach(async () => {
  await client.command({ query: "DROP TABLE IF EXISTS clicks" });
  await client.command({
    query: `CREATE TABLE clicks (id UInt64, text String, kind String DEFAULT 'click')
      ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100`,
  });
});

async function rows(query: string) {
  const answer = await client.query({ query, format: "JSONEachRow" });
  return answer.json();
}

const stored = () => rows("SELECT id, hex(text) AS hex, kind FROM clicks ORDER BY id");

function post(query: string, body: Uint8Array<ArrayBuffer> | string, headers = {}) {
  const url = new URL(`/?query=${encodeURIComponent(query)}`, database.url);
  url.searchParams.set("database", new URL(database.url).pathname.slice(1));
  return fetch(url, { method: "POST", body, headers });
}

it("stores binary data byte by byte, compressed or not", async () => {
  const insert = "INSERT INTO clicks (id, text) FORMAT RowBinary";
  const row = (id: number) =>
    new Uint8Array([id, 0, 0, 0, 0, 0, 0, 0, 5, 0xff, 0x00, 0xfe, 0x0a, 0x0d]);
  expect((await post(insert, row(1))).status).toBe(200);
  const packed = new Uint8Array(gzipSync(row(2)));
  expect((await post(insert, packed, { "Content-Encoding": "gzip" })).status).toBe(200);
  expect(await stored()).toEqual([
    { id: 1, hex: "FF00FE0A0D", kind: "click" },
    { id: 2, hex: "FF00FE0A0D", kind: "click" },
  ]);
});

it("refuses binary data where only text can stand, rather than change them", async () => {
  const url = new URL("/", database.url);
  const body = new Uint8Array([...Buffer.from("INSERT INTO clicks FORMAT RowBinary\n"), 0xff, 0]);
  const refused = await fetch(url, { method: "POST", body });
  expect([refused.status, await refused.text()]).toEqual([
    400,
    "Code: 36. DB::Exception: put the query in the URL to send binary data (BAD_ARGUMENTS)\n",
  ]);
});

it.each([
  ["CSV", '7,"a,b\nc"\n'],
  ["JSONEachRow", '{"id":7,"text":"a,b\\nc"}\n'],
  ["Values", "(7, 'a,b\\nc')"],
])("takes %s for the columns that are named", async (format, body) => {
  const settings = "SETTINGS async_insert = 0";
  const answer = await post(`INSERT INTO clicks (id, text) ${settings} FORMAT ${format}`, body);
  expect(await answer.text()).toBe("");
  expect(await stored()).toEqual([{ id: 7, hex: "612C620A63", kind: "click" }]);
});

it("takes VALUES as text, and nothing as nothing", async () => {
  expect((await post("INSERT INTO clicks (id, text) VALUES", "(1, 'a'), (2, 'b')")).status).toBe(
    200,
  );
  expect((await post("INSERT INTO clicks FORMAT JSONEachRow", "")).status).toBe(200);
  expect(await rows("SELECT count() AS n FROM clicks")).toEqual([{ n: 2 }]);
});

it("computes columns from input()", async () => {
  const insert = `INSERT INTO clicks (id, text)
    SELECT id * 2, upper(name) FROM input('id UInt64, name String') FORMAT JSONEachRow`;
  expect(await (await post(insert, '{"id":4,"name":"it\'s"}\n')).text()).toBe("");
  expect(await stored()).toEqual([{ id: 8, hex: "49542753", kind: "click" }]);
});

it("streams an insert of the client, and tells how many rows it wrote", async () => {
  const values = Readable.from(
    (function* () {
      for (let id = 0; id < 50_000; id++) yield { id, text: `row ${id}` };
    })(),
  );
  const { summary } = await client.insert({ table: "clicks", values, format: "JSONEachRow" });
  expect(summary?.written_rows).toBe("50000");
  expect(await rows("SELECT sum(id) AS n FROM clicks")).toEqual([{ n: 1_249_975_000 }]);
});

// The stream's flush names its rows by a token, and repeats itself after a crash.
it("stores a repeated insert of one deduplication token once", async () => {
  const insert = (token: string) =>
    client.insert({
      table: "clicks",
      values: [{ id: 1, text: "a" }],
      format: "JSONEachRow",
      clickhouse_settings: { insert_deduplication_token: token },
    });
  await insert("p0-17");
  await insert("p0-17");
  await insert("p0-18");
  expect(await rows("SELECT count() AS n FROM clicks")).toEqual([{ n: 2 }]);
});

it("stores nothing of a body with a bad row, and says why", async () => {
  const answer = await post(
    "INSERT INTO clicks (id, text) FORMAT JSONEachRow",
    '{"id":1,"text":"a"}\n{"id":"x"}\n',
  );
  expect([answer.status, answer.headers.get("X-ClickHouse-Exception-Code")]).toEqual([400, "27"]);
  expect(await stored()).toEqual([]);
});

// The batch role reads archive objects this way.
it("reads Parquet objects of a folder by a pattern, and takes Parquet as data", async () => {
  const dir = await createTestObjectsDir();
  for (const id of [1, 2]) {
    const target = `file('${join(dir, `p0-${id}.parquet`)}', 'Parquet')`;
    await client.command({
      query: `INSERT INTO FUNCTION ${target} SELECT toUInt64(${id}) AS id, 'a\0b' AS text`,
    });
  }
  const source = `file('${dir}/*.parquet', 'Parquet')`;
  expect(await rows(`SELECT sum(id) AS n FROM ${source}`)).toEqual([{ n: 3 }]);

  const answer = await client.exec({ query: `SELECT id, text FROM ${source} FORMAT Parquet` });
  const parquet = Buffer.concat(await answer.stream.toArray());
  const insert = "INSERT INTO clicks (id, text) FORMAT Parquet";
  expect(await (await post(insert, new Uint8Array(parquet))).text()).toBe("");
  expect(await rows("SELECT count() AS n FROM clicks WHERE text = 'a\\0b'")).toEqual([{ n: 2 }]);
});
