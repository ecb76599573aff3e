import { describe, expect, it } from "vitest";
import { UsageError } from "../terminal/errors.ts";
import { parseVerifiedId } from "./verifiedId.ts";

describe("what is to be counted again", () => {
  it("is a day of an advertiser, or a campaign's line of it, of the current version or a named one", () => {
    const day = { advertiserId: "adv/1", billingDay: "2026-03-01" };
    expect(parseVerifiedId("partition", "adv/1/2026-03-01")).toEqual({
      ...{ ...day, campaignId: null, version: null },
    });
    expect(parseVerifiedId("partition", "adv/1/2026-03-01@12").version).toBe(12);
    expect(parseVerifiedId("line", "adv/1/2026-03-01/cmp/@9@3")).toEqual({
      ...{ ...day, campaignId: "cmp/@9", version: 3 },
    });
    expect(parseVerifiedId("line", "adv/1/2026-03-01/cmp@").campaignId).toBe("cmp@");
  });

  it.each([
    ["partition", "adv"],
    ["partition", "adv/2026-03-01/cmp"],
    ["partition", "adv/2026-03-01@0"],
    ["partition", "adv/2026-02-30"],
    ["line", "adv/2026-03-01"],
    ["line", "/2026-03-01/cmp"],
    ["line", `adv/2026-03-01/${"c".repeat(65)}`],
  ] as const)("is no %s: %s", (kind, id) => {
    expect(() => parseVerifiedId(kind, id)).toThrow(UsageError);
  });
});
