import { expect, it } from "vitest";
import type { MeasuredRow } from "./measures.ts";
import type { ReportQuery } from "./reportQuery.ts";
import { nameRows } from "./reportRows.ts";

const query: ReportQuery = {
  scope: { kind: "all" },
  mode: "billing",
  fromMs: 0,
  toMs: 86_400_000,
  granularity: "total",
  dimensions: ["geo", "device"],
  timeZone: "UTC",
  filters: {},
};
const NAMES = { campaigns: new Map(), ads: new Map() };

const row = (told: Partial<MeasuredRow>): MeasuredRow => ({
  ...{ bucket: 0, advertiser: "", campaign: "", ad: "", geo: "AT", device: "tv", publisher: "" },
  ...{ currency: "EUR", clicks: 5, gross_clicks: 5, net_clicks: 5, duplicate_clicks: 0 },
  ...{ impressions: 0, conversions: 0, unique_users: 1, cost_micros: 50 },
  ...{ attributed_conversions: 0, attributed_value_micros: 0n },
  ...told,
});

// The engine gives them in any order, and another one each time: a report that changes by itself.
it("puts rows in one order, whichever they come in", () => {
  const rows = [
    row({ clicks: 9, geo: "US" }),
    row({}),
    row({ currency: "NPR" }),
    row({ device: "web" }),
    row({ geo: "CH" }),
    row({ bucket: 60, clicks: 10 }),
  ];
  const inOrder = nameRows(query, rows, [], NAMES);
  expect(
    inOrder.map(({ clicks, geo, device, currency }) => [clicks, geo, device, currency]),
  ).toEqual([
    [9, "US", "tv", "EUR"],
    [5, "AT", "tv", "EUR"],
    [5, "AT", "tv", "NPR"],
    [5, "AT", "web", "EUR"],
    [5, "CH", "tv", "EUR"],
    [10, "AT", "tv", "EUR"],
  ]);
  for (const other of [rows.toReversed(), [...rows.slice(3), ...rows.slice(0, 3)]]) {
    expect(nameRows(query, other, [], NAMES)).toEqual(inOrder);
  }
});
