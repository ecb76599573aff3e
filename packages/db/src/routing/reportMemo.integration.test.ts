/** What is remembered of truth: rows of published builds, which never change, and nothing else. */
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { runPinnedTenantQuery } from "../clickhouse/tenantReader.ts";
import { TENANT_CONDITION, type TenantScope } from "../tenant.ts";
import { fillAdvertiser, publishTruth } from "../testing/fillStores.ts";
import { openTestStores, type TestStores } from "../testing/testStores.ts";
import { runReport } from "./report.ts";
import type { ReportQuery } from "./reportQuery.ts";

const at = (iso: string) => Date.parse(iso);
const nowMs = at("2026-10-30T12:00:00Z");
const scopeOf = (...ids: string[]): TenantScope => ({
  kind: "advertisers",
  ids: ids.map((id) => advertiserIdSchema.parse(id)),
});
const query: ReportQuery = {
  scope: scopeOf("acme"),
  mode: "billing",
  fromMs: at("2026-10-25T00:00:00Z"),
  toMs: at("2026-10-27T00:00:00Z"),
  granularity: "total",
  dimensions: [],
  timeZone: "UTC",
  filters: {},
};

/** From the cube, from the lines with users from the cube, and from the lines alone. */
const WAYS: readonly Pick<ReportQuery, "dimensions" | "granularity">[] = [
  { dimensions: ["geo"], granularity: "total" },
  { dimensions: ["campaign"], granularity: "total" },
  { dimensions: ["campaign"], granularity: "day" },
];

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  for (const [id, campaign, events] of [
    ["acme", "a1", 5],
    ["other", "o1", 70],
  ] as const) {
    await fillAdvertiser(stores, { id, campaigns: [campaign] });
    for (const day of ["2026-10-25", "2026-10-26"]) {
      const cells = [{ campaign, hour: `${day}T10:00:00Z`, events, users: [1, 2] }];
      await publishTruth(stores, { advertiser: id, day, cells, publishedAt: `${day}T20:00:00Z` });
    }
  }
});
afterAll(() => stores.close());

const ask = (asked: Partial<ReportQuery>, askedMs = nowMs) =>
  runReport(stores, { ...query, ...asked }, askedMs);
const askAll = (asked: Partial<ReportQuery> = {}) =>
  Promise.all(WAYS.map(async (way) => (await ask({ ...way, ...asked })).rows));

it("shows each tenant its own, whoever asked the same before", async () => {
  const clicksOf = async (scope: TenantScope) =>
    (await askAll({ scope })).map((rows) => rows.reduce((sum, { clicks }) => sum + clicks, 0));
  const scopes = [{ kind: "all" } as const, scopeOf("other"), scopeOf("acme"), scopeOf()];
  const answers = [
    [150, 150, 150],
    [140, 140, 140],
    [10, 10, 10],
    [0, 0, 0],
  ];
  for (const _time of ["read", "remembered"]) {
    for (const [n, scope] of scopes.entries()) expect(await clicksOf(scope)).toEqual(answers[n]);
    const campaign = { filters: { campaign: ["o1"] } };
    expect(await askAll(campaign)).toEqual([[], [], []]);
  }
});

it("keeps two tenants apart even where all else that they ask is the same", async () => {
  const seen = (scope: TenantScope) =>
    runPinnedTenantQuery(stores, scope, {
      name: "test",
      sql: `SELECT advertiser_id, sum(events) AS clicks FROM truth_cube
        WHERE ${TENANT_CONDITION} AND billing_day = {day: Date} GROUP BY advertiser_id`,
      params: { day: "2026-10-25" },
      row: z.object({ advertiser_id: z.string(), clicks: z.coerce.number() }),
    });
  for (const _time of ["read", "remembered"]) {
    expect(await seen({ kind: "all" })).toHaveLength(2);
    expect(await seen(scopeOf("acme"))).toEqual([{ advertiser_id: "acme", clicks: 5 }]);
    expect(await seen(scopeOf("other"))).toEqual([{ advertiser_id: "other", clicks: 70 }]);
    expect(await seen(scopeOf())).toEqual([]);
  }
});

it("reads published rows once, and a new version as soon as it is published", async () => {
  const before = await askAll();
  expect(before[0]).toMatchObject([{ geo: "DE", clicks: 10, unique_users: 2 }]);
  expect(before[1]).toMatchObject([{ campaign: "a1", clicks: 10, unique_users: 2 }]);
  await stores.clickhouse.command({ query: "TRUNCATE TABLE truth_cube" });
  expect(await askAll()).toEqual(before);
  // What no one asked for is read.
  expect((await ask({ dimensions: ["device"] })).rows).toEqual([]);

  for (const day of ["2026-10-25", "2026-10-26"]) {
    const cells = [
      { campaign: "a1", hour: `${day}T10:00:00Z`, events: 4, users: [1, 2, 3], geo: "AT" },
    ];
    await publishTruth(stores, { advertiser: "acme", day, cells });
  }
  const after = await askAll();
  expect(after[0]).toMatchObject([{ geo: "AT", clicks: 8, unique_users: 3 }]);
  expect(after[1]).toMatchObject([{ campaign: "a1", clicks: 8, unique_users: 3 }]);
  expect(after[2]).toMatchObject([{ clicks: 4 }, { clicks: 4 }]);
  // The versions of before are as they were.
  expect(await askAll({ asOfMs: at("2026-10-28T00:00:00Z") })).toEqual(before);
});

it("tells of remembered rows what is so now: versions, finality and names", async () => {
  const early = at("2026-10-27T06:00:00Z");
  const later = at("2026-11-10T00:00:00Z");
  const asked = { dimensions: ["campaign"] as const, asOfMs: early };
  const first = await ask(asked, early);
  expect(first.meta).toMatchObject({
    finality: "settling",
    versions: [{ version: 1 }, { version: 1 }],
  });
  await stores.db.execute("update campaigns set name = 'Renamed' where id = 'a1'");
  const then = await ask({ ...asked, asOfMs: at("2026-10-30T00:00:00Z") }, later);
  expect(then.meta).toMatchObject({
    finality: "closed",
    versions: [{ version: 1 }, { version: 1 }],
  });
  expect(then.rows).toEqual(first.rows.map((row) => ({ ...row, campaign_name: "Renamed" })));
  const byAccount = { dimensions: ["advertiser"] as const };
  const named = await ask(byAccount);
  await stores.db.execute("update advertisers set name = 'Renamed' where id = 'acme'");
  expect((await ask(byAccount)).rows).toEqual(
    named.rows.map((row) => ({ ...row, advertiser_name: "Renamed" })),
  );
});
