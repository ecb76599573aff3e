import { CHANGED_CLICKS } from "@trueclick/db/queries/dirtyDays";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { expect, it } from "vitest";
import { creditedOtherwise } from "./creditedDays.ts";

const dirtyDay = (billingDay: string, why: string = CHANGED_CLICKS) => ({
  ...{ advertiserId: advertiserIdSchema.parse("adv-1"), billingDay, why },
  ...{ bounds: { fromMs: 0, toMs: 1 }, lookedAtMs: 0 },
});
const MONDAY = dirtyDay("2026-03-02");
const TUESDAY = dirtyDay("2026-03-03");

// A late click of Monday is what a conversion of Tuesday is due to, which had no new event itself.
it("counts days that were not dirty before their clicks changed, unless days were named", () => {
  expect(creditedOtherwise([TUESDAY], [MONDAY], false)).toEqual([TUESDAY]);
  expect(creditedOtherwise([TUESDAY], [MONDAY], true)).toEqual([]);
  expect(creditedOtherwise([TUESDAY], [MONDAY, TUESDAY], true)).toEqual([TUESDAY]);
});

it("leaves days that changed for another reason meanwhile to the next run", () => {
  expect(creditedOtherwise([dirtyDay("2026-03-03", "new events")], [MONDAY], false)).toEqual([]);
});

it("knows days of different advertisers apart", () => {
  const other = { ...TUESDAY, advertiserId: advertiserIdSchema.parse("adv-2") };
  expect(creditedOtherwise([other], [TUESDAY], true)).toEqual([]);
});
