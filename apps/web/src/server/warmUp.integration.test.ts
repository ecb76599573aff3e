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
import { GET as health } from "../app/api/health/route.ts";
import { KnownCallers } from "./rest/knownCallers.ts";
import { type OwnServer, startOwnServer } from "./testing/ownServer.ts";
import { Warmth } from "./warmth.ts";
import { warmUp } from "./warmUp.ts";

const PATIENCE_MS = 200_000;
const ONE_EACH = { connectionsMax: 6 };
const NOWHERE = "postgres://nobody:x@127.0.0.1:1/none";
const ENV = {
  databaseUrl: NOWHERE,
  clickhouseUrl: "http://127.0.0.1:1/none",
  clickhouseCluster: null,
  authSecret: "a secret of nobody, for this test",
  webUrl: "http://127.0.0.1:1",
};
const READY = { ok: true, warm: true, postgres: "ok", clickhouse: "ok" };

let stores: TestStores;
let own: OwnServer;
beforeAll(async () => {
  [stores, own] = await Promise.all([openTestStores(), startOwnServer()]);
  const nowMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  const at = new Date(nowMs - 2 * MINUTE_MS).toISOString();
  const day = new Date(nowMs - DAY_MS).toISOString().slice(0, 10);
  const cells = [{ campaign: "a1", hour: `${day}T10:00:00Z`, events: 3, users: [1, 2] }];
  await fillAdvertiser(stores, { id: "acme", campaigns: ["a1"] });
  await fillHot(stores, [{ advertiser: "acme", campaign: "a1", at, clicks: 3 }]);
  await publishTruth(stores, { advertiser: "acme", day, cells });
});
afterEach(() => {
  globalThis.trueclickComposition = undefined;
  vi.restoreAllMocks();
});
afterAll(async () => {
  own.close();
  await stores.close();
});

/** As the process has them, made at its start. */
function composeOn(of: Stores, withinMs = PATIENCE_MS) {
  const parts = { stores: of, served: new Map(), warmth: new Warmth(withinMs) };
  globalThis.trueclickComposition = { env: ENV, callers: new KnownCallers(), ...parts };
  return parts;
}

async function warmed(of: Stores, ownUrl: string | undefined, withinMs?: number) {
  const told: string[] = [];
  const parts = composeOn(of, withinMs);
  await warmUp(() => parts, { ownUrl, tell: (line) => told.push(line) });
  expect(parts.warmth.isOver()).toBe(true);
  return told;
}

const healthNow = async () => (await health()).json();

it("says that it is ready once it is warm, and answers before", async () => {
  const parts = composeOn(stores);
  const before = await health();
  expect([before.status, await before.json()]).toEqual([503, { ...READY, ok: false, warm: false }]);
  const asked = await fetch(`${own.url}/api/v1/openapi.json`);
  expect(asked.status).toBe(200);
  const answeredBefore = own.answered.length;
  await warmUp(() => parts, { ownUrl: own.url });
  const after = await health();
  expect([after.status, await after.json()]).toEqual([200, READY]);
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
  expect(await warmed({ ...stores, memo, recent, openHours }, own.url)).toEqual([]);
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
});

it("does without requests where its own address is not known, and says so", async () => {
  const told = await warmed(stores, undefined);
  expect(told).toEqual([expect.stringContaining("its own address is not known")]);
});

it("is ready where nothing was counted yet", async () => {
  const empty = await openTestStores();
  try {
    expect(await warmed(empty, own.url)).toEqual([]);
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
  expect(await warmed({ ...stores, db }, own.url)).toEqual(refused);
  // Each would be a fault, and a line of its own.
  expect(own.answered.slice(before).filter(({ status }) => status >= 500)).toEqual([]);
  expect(await healthNow()).toEqual({ ...READY, ok: false, postgres: "down" });
  expect(await warmed({ ...stores, clickhouse }, own.url)).toEqual(refused);
  expect(await healthNow()).toEqual({ ...READY, ok: false, clickhouse: "down" });
  expect(await warmed(stores, nobody)).toEqual(refused);
  expect(await healthNow()).toEqual(READY);
  const told: string[] = [];
  const fails = () => {
    throw new Error("no settings");
  };
  await warmUp(fails, { ownUrl: own.url, tell: (line) => told.push(line) });
  expect(told).toEqual([expect.stringContaining("no settings")]);
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
  expect(await warmed({ ...stores, db }, own.url, 1)).toEqual(late);
  expect(await warmed({ ...stores, clickhouse }, own.url, 500)).toEqual(late);
  expect(await warmed(stores, `http://127.0.0.1:${port}`, 100)).toEqual(late);
  expect(await healthNow()).toEqual(READY);
  silent.close();
  for (const socket of connected) socket.destroy();
  await Promise.all([close(), clickhouse.close()]);
});
