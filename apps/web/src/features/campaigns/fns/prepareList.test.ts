import { expect, it } from "vitest";
import { type CampaignFacts, prepareList } from "./prepareList.ts";

const campaign: CampaignFacts = {
  id: "c1",
  name: "Spring",
  dailyBudgetMicros: null,
  startsAt: new Date(1_000),
  endsAt: new Date(2_000),
  cpcMicros: 250_000n,
  lookbackDays: 7,
};

it("shows a campaign without clicks as having had none, without a price", () => {
  expect(prepareList([campaign], [], 1_500)).toMatchObject([
    { clicks: 0, costMicros: 0, paidCpcMicros: null, rateMicros: 250_000n },
  ]);
});

it("joins what a campaign did by its id", () => {
  const counts = {
    clicks: 4,
    gross_clicks: 5,
    invalid_clicks: 1,
    impressions: 0,
    cost_micros: 800_000,
    conversions: 3,
    attributed_conversions: 2,
    attributed_value_micros: 9_000_000,
  };
  const rows = [
    { ...counts, campaign: "c1" },
    { ...counts, campaign: "c2", clicks: 99 },
  ];
  expect(prepareList([campaign], rows, 1_500)).toMatchObject([
    {
      ...{ clicks: 4, costMicros: 800_000, paidCpcMicros: 200_000 },
      ...{ conversions: 2, conversionValueMicros: 9_000_000, lookbackDays: 7 },
    },
  ]);
});

// A zero would say that nobody bought, where nobody has looked.
it("knows no conversions before they are credited", () => {
  const live = { clicks: 4, gross_clicks: 4, invalid_clicks: 0, impressions: 0, cost_micros: 1 };
  const unknown = { conversions: 3, attributed_conversions: null, attributed_value_micros: null };
  expect(prepareList([campaign], [{ ...live, ...unknown, campaign: "c1" }], 1_500)).toMatchObject([
    { conversions: null, conversionValueMicros: null },
  ]);
});

it.each([
  [999, "planned"],
  [1_000, "running"],
  [1_999, "running"],
  [2_000, "ended"],
] as const)("calls a campaign at %d ms %s", (nowMs, state) => {
  expect(prepareList([campaign], [], nowMs)[0]?.state).toBe(state);
});
