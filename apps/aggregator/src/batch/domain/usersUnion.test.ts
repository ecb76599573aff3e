import { expect, it } from "vitest";
import { planUnions } from "./usersUnion.ts";

const line = (campaignId: string, members: number) => ({ campaignId, members });

it("unites as many campaigns at once as fit", () => {
  const lines = [line("a", 4), line("none", 0), line("b", 6), line("c", 1)];
  expect(planUnions(lines, 10)).toEqual([
    { campaignIds: ["a", "b"], part: 0, parts: 1 },
    { campaignIds: ["c"], part: 0, parts: 1 },
  ]);
});

it("cuts a campaign that does not fit by the remainders of its users", () => {
  expect(planUnions([line("a", 5), line("big", 21), line("b", 5)], 10)).toEqual([
    ...[0, 1, 2].map((part) => ({ campaignIds: ["big"], part, parts: 3 })),
    { campaignIds: ["a", "b"], part: 0, parts: 1 },
  ]);
});
