import { once } from "node:events";
import { createServer } from "node:net";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { openDatabase } from "@trueclick/db/postgres/database";
import { AnswerMemo } from "@trueclick/db/queries/answerMemo";
import { OpenHoursKept } from "@trueclick/db/queries/openHours";
import { fillAdvertiser, fillHot } from "@trueclick/db/testing/fillStores";
import { moveRollup } from "@trueclick/db/testing/hotStoreState";
import { openTestStores, type TestStores } from "@trueclick/db/testing/testStores";
import { HOUR_MS } from "@trueclick/shared/time";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { warmUp } from "./warmUp.ts";

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  await fillAdvertiser(stores, { id: "acme", campaigns: ["a1"] });
  const at = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 120_000).toISOString();
  await fillHot(stores, [{ advertiser: "acme", campaign: "a1", at, clicks: 3 }]);
});
afterAll(() => stores.close());

const PATIENCE_MS = 200_000;
const ONE_EACH = { connectionsMax: 6 };
const nowhere = "postgres://nobody:x@127.0.0.1:1/none";

it("asks the engine what reports and drift ask, of nobody's rows, and keeps no answer", async () => {
  const asked = vi.spyOn(stores.clickhouse, "query");
  const memo = new AnswerMemo();
  const kept = vi.spyOn(memo, "keep");
  const told: string[] = [];
  await warmUp(
    () => ({ ...stores, memo, recent: memo }),
    (line) => told.push(line),
    PATIENCE_MS,
  );
  const questions = asked.mock.calls.map(([{ query, query_params }]) => ({ query, query_params }));
  asked.mockRestore();
  expect(told).toEqual([]);
  expect(kept.mock.calls).toEqual([]);
  for (const table of [
    "hot_minutes",
    "hot_hours",
    "hot_users",
    "stream_rejects",
    "truth_rejects",
  ]) {
    expect(questions.filter(({ query }) => query.includes(table)).length, table).toBeGreaterThan(1);
  }
  const scopes = questions.map(({ query_params }) => query_params?.["tenant_ids"]);
  expect(scopes).toEqual(questions.map(() => ["warm-up"]));
});

it("has everybody's open hours read once", async () => {
  await moveRollup(stores.db, "clicks.raw", Math.floor(Date.now() / HOUR_MS - 1) * HOUR_MS);
  const asked = vi.spyOn(stores.clickhouse, "query");
  await warmUp(() => ({ ...stores, openHours: new OpenHoursKept() }), undefined, PATIENCE_MS);
  const names = asked.mock.calls.map(([one]) => one.clickhouse_settings?.["log_comment"]);
  asked.mockRestore();
  expect(names.filter((name) => name === "openHours")).toHaveLength(2);
});

it("lets the app begin where a store is away, and says so", async () => {
  const clickhouse = openClickHouse("http://127.0.0.1:1/default");
  const { db, close } = openDatabase(nowhere, ONE_EACH);
  const told: string[] = [];
  await warmUp(
    () => ({ db, clickhouse: stores.clickhouse }),
    (line) => told.push(line),
  );
  await warmUp(
    () => ({ db: stores.db, clickhouse }),
    (line) => told.push(line),
    PATIENCE_MS,
  );
  await warmUp(
    () => {
      throw new Error("no settings");
    },
    (line) => told.push(line),
  );
  expect(told).toEqual([
    expect.stringContaining("ECONNREFUSED"),
    expect.stringContaining("ECONNREFUSED"),
    expect.stringContaining("no settings"),
  ]);
  await Promise.all([close(), clickhouse.close()]);
});

it("lets the app begin where a store does not answer", async () => {
  const silent = createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const address = silent.address();
  const port = typeof address === "object" ? address?.port : 0;
  const { db, close } = openDatabase(`postgres://nobody:x@127.0.0.1:${port}/none`, ONE_EACH);
  const told: string[] = [];
  await warmUp(
    () => ({ ...stores, db }),
    (line) => told.push(line),
    1,
  );
  // It had not failed yet: nobody waited until the database's own limit was over.
  expect(told).toEqual([]);
  silent.close();
  await close();
});
