import { advertiserIdSchema } from "@trueclick/shared/ids";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TenantScope } from "../tenant.ts";
import { fillAdvertiser, fillHot, publishTruth } from "../testing/fillStores.ts";
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
  mode: "dashboard",
  fromMs: at("2026-10-30T00:00:00Z"),
  toMs: at("2026-10-31T00:00:00Z"),
  granularity: "total",
  dimensions: [],
  timeZone: "UTC",
  filters: {},
};

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
  for (const [id, campaign] of [
    ["acme", "a1"],
    ["o'hara", "o1"],
  ] as const) {
    await fillAdvertiser(stores, { id, campaigns: [campaign] });
    await fillHot(stores, [{ advertiser: id, campaign, at: "2026-10-30T10:01:00Z", clicks: 5 }]);
    const cells = [{ campaign, hour: "2026-10-25T10:00:00Z", events: 50 }];
    await publishTruth(stores, { advertiser: id, day: "2026-10-25", cells });
  }
});
afterAll(() => stores.close());

describe("a tenant", () => {
  const both: readonly Pick<ReportQuery, "mode" | "fromMs" | "toMs">[] = [
    { mode: "dashboard", fromMs: query.fromMs, toMs: query.toMs },
    { mode: "billing", fromMs: at("2026-10-25T00:00Z"), toMs: at("2026-10-26T00:00Z") },
  ];

  it.each(both)("sees nothing of another by naming its ids, in $mode", async (range) => {
    for (const filters of [{ campaign: ["o1"] }, { advertiser: ["o'hara"] }]) {
      const { rows, meta } = await runReport(stores, { ...query, ...range, filters }, nowMs);
      expect(rows).toEqual([]);
      expect((meta.versions ?? []).filter(({ advertiser }) => advertiser !== "acme")).toEqual([]);
    }
  });

  it.each(both)("of an empty scope sees nothing, in $mode", async (range) => {
    const { rows } = await runReport(stores, { ...query, ...range, scope: scopeOf() }, nowMs);
    expect(rows).toEqual([]);
  });

  it.each(both)("cannot widen its scope by what its id holds, in $mode", async (range) => {
    const ids = ["x') OR (1=1", "acme','o'hara", "\\", "{tenant_all: Bool}"];
    for (const id of ids) {
      const { rows } = await runReport(stores, { ...query, ...range, scope: scopeOf(id) }, nowMs);
      expect(rows).toEqual([]);
    }
    const own = await runReport(stores, { ...query, ...range, scope: scopeOf("o'hara") }, nowMs);
    expect(own.rows).toHaveLength(1);
  });
});

// Of anybody else no row, build or version is looked at: tables are sorted by advertiser first.
describe("a report of a campaign", () => {
  const range = { fromMs: at("2026-10-25T00:00Z"), toMs: at("2026-10-26T00:00Z") };
  const ask = (scope: TenantScope, campaign: string) =>
    runReport(
      stores,
      { ...query, ...range, mode: "billing", scope, filters: { campaign: [campaign] } },
      nowMs,
    );

  it("is read of its advertiser alone, and is the same to all who may see it", async () => {
    const own = await ask(scopeOf("o'hara"), "o1");
    for (const _time of ["asked", "remembered"]) {
      const staff = await ask({ kind: "all" }, "o1");
      expect(staff).toEqual(own);
      expect(staff.meta.versions).toEqual([
        { advertiser: "o'hara", day: "2026-10-25", version: 1 },
      ]);
    }
  });

  it("shows those nothing who see others, even once its advertiser is remembered", async () => {
    await ask({ kind: "all" }, "o1");
    for (const scope of [scopeOf("acme"), scopeOf("acme", "third"), scopeOf()]) {
      const { rows, meta } = await ask(scope, "o1");
      expect(rows).toEqual([]);
      expect(meta.versions?.map(({ advertiser }) => advertiser) ?? []).not.toContain("o'hara");
    }
  });
});
