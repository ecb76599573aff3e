import { expect, it } from "vitest";
import { prepareTotals } from "./prepareTotals.ts";

const row = {
  clicks: 120,
  gross_clicks: 150,
  invalid_clicks: 30,
  impressions: 6_000,
  cost_micros: 30_000_000,
  conversions: 12,
  attributed_conversions: 9,
  attributed_value_micros: 450_000_000,
  unique_users: null,
};
const before = { ...row, clicks: 100, invalid_clicks: 15, unique_users: 80 };

it("shows an empty period as zero clicks without a price", () => {
  const totals = prepareTotals(undefined, undefined);
  expect(totals).toMatchObject({ clicks: 0, cpcMicros: null, users: null, invalidRate: null });
  expect(Object.values(totals.deltas).every((delta) => delta === null)).toBe(true);
});

it("says for each change whether it is good news", () => {
  const { deltas } = prepareTotals(row, before);
  expect(deltas.clicks).toMatchObject({ text: "+20.0%", good: true });
  expect(deltas.cpc).toMatchObject({ text: "-16.7%", good: true });
  expect(deltas.invalid).toMatchObject({ text: "+100.0%", good: false });
  expect(deltas.cost).toMatchObject({ text: "0.0%", good: null });
});

it("tells credited conversions from all, and none from not known", () => {
  expect(prepareTotals(row, { ...row, attributed_conversions: 6 })).toMatchObject({
    ...{ conversions: 12, creditedConversions: 9, creditedValueMicros: 450_000_000 },
    deltas: { conversions: { text: "+50.0%", good: true } },
  });
  const live = { ...row, attributed_conversions: null, attributed_value_micros: null };
  expect(prepareTotals(live, row)).toMatchObject({
    ...{ conversions: 12, creditedConversions: null },
    deltas: { conversions: null },
  });
});

it("does not compare what is not known", () => {
  expect(prepareTotals(row, before).deltas.users).toBeNull();
});
