import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { openClickHouse } from "@trueclick/db/clickhouse/client";
import { openDatabase } from "@trueclick/db/postgres/database";
import { AnswerMemo } from "@trueclick/db/queries/answerMemo";
import { OpenHoursKept } from "@trueclick/db/queries/openHours";
import type { Stores } from "@trueclick/db/stores";
import { fillAdvertiser, fillHot, publishTruth } from "@trueclick/db/testing/fillStores";
import { moveRollup } from "@trueclick/db/testing/hotStoreState";
import { openTestStores, type TestStores } from "@trueclick/db/testing/testStores";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "@trueclick/shared/time";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { checkHealth } from "./health.ts";
import { createApi } from "./http/api.ts";
import { ownRequest } from "./http/apiRequest.ts";
import { type OwnServer, partsOn, startOwnServer, WEB_URL } from "./testing/ownServer.ts";
import { Warmth } from "./warmth.ts";
import { warmUp } from "./warmUp.ts";

const PATIENCE_MS = 200_000;
const ONE_EACH = { connectionsMax: 6 };
const NOWHERE = "postgres://nobody:x@127.0.0.1:1/none";
const READY = { ok: true, warm: true, postgres: "ok", clickhouse: "ok" };

let stores: TestStores;
let own: OwnServer;
beforeAll(async () => {
  stores = await openTestStores();
  own = await startOwnServer(partsOn(stores));
  const nowMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  const at = new Date(nowMs - 2 * MINUTE_MS).toISOString();
  const day = new Date(nowMs - DAY_MS).toISOString().slice(0, 10);
  const cells = [{ campaign: "a1", hour: `${day}T10:00:00Z`, events: 3, users: [1, 2] }];
  await fillAdvertiser(stores, { id: "acme", campaigns: ["a1"] });
  await fillHot(stores, [{ advertiser: "acme", campaign: "a1", at, clicks: 3 }]);
  await publishTruth(stores, { advertiser: "acme", day, cells });
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(async () => {
  await own.stop();
  await stores.close();
});

/** What a process that warms itself has to say, and then whether it is ready. */
async function warmed(of: Stores, ownUrl: string, withinMs = PATIENCE_MS) {
  const told: string[] = [];
  const parts = { stores: of, warmth: new Warmth(withinMs) };
  await warmUp(parts, { ownUrl, tell: (line) => told.push(line) });
  expect(parts.warmth.isOver()).toBe(true);
  return { told, health: await checkHealth(parts.stores, parts.warmth) };
}

it("says that it is ready once it is warm, and answers before", async () => {
  const parts = partsOn(stores, new Warmth(PATIENCE_MS));
  const api = createApi(parts, (error) => expect(error).toBeUndefined());
  const askHealth = async () => {
    const answer = await api.answer(ownRequest(new Request(`${WEB_URL}/api/health`)));
    return [answer?.response.status, await answer?.response.json()];
  };
  expect(await askHealth()).toEqual([503, { ...READY, ok: false, warm: false }]);
  const asked = await fetch(`${own.url}/api/v1/openapi.json`);
  expect(asked.status).toBe(200);
  const answeredBefore = own.answered.length;
  await warmUp(parts, { ownUrl: own.url });
  expect(await askHealth()).toEqual([200, READY]);
  // It asked its own address a bounded number of times, by no key that opens anything.
  const answered = own.answered.slice(answeredBefore);
  expect(answered.length).toBeLessThan(100);
  for (const path of ["/api/v1/report", "/api/v1/drift"]) {
    const of = answered.filter((answer) => answer.path === path);
    expect(of.filter(({ hasKey }) => hasKey).length, path).toBeGreaterThan(20);
    expect(new Set(of.map(({ status }) => status)), path).toEqual(new Set([401]));
  }
});

it("has reports and drift read by the code that is served, and remembers nothing of it", async () => {
  await moveRollup(stores.db, "clicks.raw", Math.floor(Date.now() / HOUR_MS - 1) * HOUR_MS);
  const asked = vi.spyOn(stores.clickhouse, "query");
  const memories = [new AnswerMemo(), new AnswerMemo()] as const;
  const kept = memories.map((memory) => vi.spyOn(memory, "keep"));
  const [memo, recent] = memories;
  const openHours = new OpenHoursKept();
  expect((await warmed({ ...stores, memo, recent, openHours }, own.url)).told).toEqual([]);
  expect(kept.flatMap(({ mock }) => mock.calls)).toEqual([]);
  const statements = asked.mock.calls.map(([{ query }]) => query);
  for (const table of ["hot_minutes", "hot_users", "stream_rejects", "truth_cube"]) {
    const of = statements.filter((statement) => statement.includes(table));
    expect(of.length, table).toBeGreaterThan(1);
  }
  // As tenants ask, who are most: of them, statements are others.
  const tenants = asked.mock.calls.map(([{ query_params }]) => query_params?.["tenant_ids"]);
  expect(tenants).toContainEqual(["acme"]);
  // Everybody's open hours are kept, and read once, by two statements.
  const names = asked.mock.calls.map(([one]) => one.clickhouse_settings?.["log_comment"]);
  expect(names.filter((name) => name === "openHours")).toHaveLength(2);
  // What takes least is asked most.
  for (const name of ["driftTotals", "hotReport"]) {
    expect(names.filter((each) => each === name).length, name).toBeGreaterThan(20);
  }
});

it("is ready where nothing was counted yet", async () => {
  const empty = await openTestStores();
  try {
    expect((await warmed(empty, own.url)).told).toEqual([]);
  } finally {
    await empty.close();
  }
});

it("is ready where a store is away or nobody answers, and says so in one line", async () => {
  const clickhouse = openClickHouse("http://127.0.0.1:1/default");
  const { db, close } = openDatabase(NOWHERE, ONE_EACH);
  const nobody = "http://127.0.0.1:1";
  const refused = [expect.stringContaining("ECONNREFUSED")];
  const before = own.answered.length;
  expect(await warmed({ ...stores, db }, own.url)).toEqual({
    ...{ told: refused, health: { ...READY, ok: false, postgres: "down" } },
  });
  // Each would be a fault, and a line of its own.
  expect(own.answered.slice(before).filter(({ status }) => status >= 500)).toEqual([]);
  expect(await warmed({ ...stores, clickhouse }, own.url)).toEqual({
    ...{ told: refused, health: { ...READY, ok: false, clickhouse: "down" } },
  });
  expect(await warmed(stores, nobody)).toEqual({ told: refused, health: READY });
  await Promise.all([close(), clickhouse.close()]);
});

it("is ready in time where a store or its own address never answers", async () => {
  const connected: Socket[] = [];
  const silent = createServer((socket) => connected.push(socket)).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const address = silent.address();
  const port = typeof address === "object" ? address?.port : 0;
  const { db, close } = openDatabase(`postgres://nobody:x@127.0.0.1:${port}/none`, ONE_EACH);
  const clickhouse = openClickHouse(`http://127.0.0.1:${port}/default`);
  const late = [expect.stringContaining("no time left")];
  expect((await warmed({ ...stores, db }, own.url, 1)).told).toEqual(late);
  expect((await warmed({ ...stores, clickhouse }, own.url, 500)).told).toEqual(late);
  expect(await warmed(stores, `http://127.0.0.1:${port}`, 100)).toEqual({
    ...{ told: late, health: READY },
  });
  silent.close();
  for (const socket of connected) socket.destroy();
  await Promise.all([close(), clickhouse.close()]);
});
