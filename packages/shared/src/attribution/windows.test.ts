import { describe, expect, it } from "vitest";
import { type WindowDays, type WindowDecision, windowsInForce } from "./windows.ts";

const DAY = { fromMs: 1_000, toMs: 2_000 };

function decision(
  id: number,
  scope: WindowDecision["scope"],
  days: WindowDays | null,
  effectiveFromMs: number,
): WindowDecision {
  return { id, scope, days, effectiveFromMs, campaignId: scope === "campaign" ? "a" : null };
}

const inForce = (decisions: readonly WindowDecision[], campaign = "a") =>
  windowsInForce(decisions, campaign, DAY).map(({ fromMs, days }) => [fromMs, days]);

describe("windowsInForce", () => {
  it("is 30 days where nobody decided, or not for this campaign or this time", () => {
    expect(inForce([])).toEqual([[1_000, 30]]);
    expect(inForce([decision(1, "campaign", 7, 0)], "b")).toEqual([[1_000, 30]]);
    expect(inForce([decision(1, "all", 7, 2_000)])).toEqual([[1_000, 30]]);
  });

  it("changes at the instant of a decision, and back where the wider scope is to decide", () => {
    const decisions = [
      decision(1, "all", 7, 500),
      decision(2, "campaign", 1, 1_200),
      decision(3, "campaign", null, 1_500),
      decision(4, "advertiser", 30, 1_800),
    ];
    expect(inForce(decisions)).toEqual([
      [1_000, 7],
      [1_200, 1],
      [1_500, 7],
      [1_800, 30],
    ]);
  });

  it("lets what was decided last hold, also where it reaches back", () => {
    const decisions = [decision(2, "all", 7, 1_500), decision(3, "all", 1, 900)];
    expect(inForce(decisions)).toEqual([[1_000, 1]]);
  });
});
