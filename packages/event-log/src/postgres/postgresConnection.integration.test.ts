import { createTestDatabase, type TestDatabase } from "@trueclick/local-stack/testing";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LogUnavailableError } from "../port.ts";
import { openWayTo } from "../testing/wayTo.ts";
import { openPostgres, type PostgresConnection } from "./postgresConnection.ts";

let database: TestDatabase;
let postgres: PostgresConnection;
let other: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  // One connection, so that each statement meets what the one before it left.
  postgres = openPostgres(database.url, 1);
  other = new pg.Client({ connectionString: database.url });
  await other.connect();
});
afterAll(async () => {
  await postgres.close();
  await other.end();
  await database.drop();
});

const half = (number: string) =>
  postgres.queryValue({ name: "half", text: "SELECT 100 / $1::integer", values: [number] });

it("answers with the value, and has each connection parse a statement once", async () => {
  expect(await half("4")).toBe("25");
  expect(await half("5")).toBe("20");
  const joined = { name: "joined", text: "SELECT $1::text || length($2::bytea)" };
  const values = ["bytes: ", [Buffer.from("\0\xff")]];
  expect(await postgres.queryValue({ ...joined, values })).toBe("bytes: 3");
  const names = "SELECT string_agg(name, ' ' ORDER BY name) FROM pg_prepared_statements";
  const parsed = await postgres.queryValue({ name: "names", text: names, values: [] });
  expect(parsed).toBe("half joined names");
});

it("fails for a statement that fails, and for one without a value, and takes the next", async () => {
  await expect(half("0")).rejects.toThrow("division by zero");
  await expect(half("0")).rejects.toBeInstanceOf(LogUnavailableError);
  const nothing = { name: "nothing", text: "SELECT NULL::integer", values: [] };
  await expect(postgres.queryValue(nothing)).rejects.toBeInstanceOf(LogUnavailableError);
  await expect(
    postgres.queryValue({ name: "typo", text: "SELEC 1", values: [] }),
  ).rejects.toBeInstanceOf(LogUnavailableError);
  expect(await half("50")).toBe("2");
});

// A server that is killed, or a network that goes away, does this to every connection.
it("outlives connections that break, in the middle of a statement and between two", async () => {
  const way = await openWayTo(database.url);
  const postgresByWire = openPostgres(way.url, 1);
  const ask = (name: string, text: string) => postgresByWire.queryValue({ name, text, values: [] });
  const first = await ask("backend", "SELECT pg_backend_pid()");
  const broken = expect(ask("slow", "SELECT pg_sleep(60)")).rejects.toBeInstanceOf(
    LogUnavailableError,
  );
  const isAsleep = "SELECT wait_event = 'PgSleep' AS ok FROM pg_stat_activity WHERE pid = $1";
  await expect
    .poll(async () => (await other.query(isAsleep, [first])).rows, { timeout: 50_000 })
    .toEqual([{ ok: true }]);
  way.cut();
  await broken;

  expect(await ask("backend", "SELECT pg_backend_pid()")).not.toBe(first);
  way.cut();
  // Until the end of the connection is heard of, a statement may meet it.
  await expect
    .poll(() => ask("one", "SELECT 1").catch(() => "not yet"), { timeout: 50_000 })
    .toBe("1");
  await postgresByWire.close();
  await way.close();
});
