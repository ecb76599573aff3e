import { expect, it } from "vitest";
import { prepareTotals } from "./prepareTotals.ts";

const row = {
  clicks: 120,
  gross_clicks: 150,
  invalid_clicks: 30,
  impressions: 6_000,
  cost_micros: 30_000_000,
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

it("does not compare what is not known", () => {
  expect(prepareTotals(row, before).deltas.users).toBeNull();
});
