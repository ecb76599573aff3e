import { expect, it } from "vitest";
import { preparePacing } from "./preparePacing.ts";

const row = {
  campaignName: "Autumn",
  budgetMicros: 100,
  spentMicros: 40,
  projectedMicros: 90,
  overDelivery: false,
};

it("adds campaigns up, and names those over budget", () => {
  const over = { ...row, campaignName: "Spring", spentMicros: 110, overDelivery: true };
  expect(preparePacing([row, { ...over, projectedMicros: 120 }])).toEqual({
    share: 0.75,
    spentMicros: 150,
    budgetMicros: 200,
    projectedMicros: 210,
    over: ["Spring"],
  });
});

// Half a projection would look like a day that ends under budget.
it("projects nothing while one campaign cannot be", () => {
  expect(preparePacing([row, { ...row, projectedMicros: null }])?.projectedMicros).toBeNull();
});

it("says nothing of an account without budgets", () => {
  expect(preparePacing([])).toBeNull();
});
