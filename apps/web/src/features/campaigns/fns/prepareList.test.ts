import { expect, it } from "vitest";
import { type CampaignFacts, prepareList } from "./prepareList.ts";

const campaign: CampaignFacts = {
  id: "c1",
  name: "Spring",
  dailyBudgetMicros: null,
  startsAt: new Date(1_000),
  endsAt: new Date(2_000),
  cpcMicros: 250_000n,
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
  };
  const rows = [
    { ...counts, campaign: "c1" },
    { ...counts, campaign: "c2", clicks: 99 },
  ];
  expect(prepareList([campaign], rows, 1_500)).toMatchObject([
    { clicks: 4, costMicros: 800_000, paidCpcMicros: 200_000 },
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
