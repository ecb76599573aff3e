import { describe, expect, it } from "vitest";
import { type CampaignHistory, changedCampaigns } from "./campaignChanges.ts";

const DAY = { fromMs: 1_000, toMs: 2_000 };

const campaign = (
  id: string,
  rates: readonly (readonly [number, string])[],
  times: Partial<
    Pick<CampaignHistory[number], "starts_ms" | "ends_ms" | "statuses" | "requires_impression">
  > = {},
): CampaignHistory[number] => ({
  id,
  starts_ms: null,
  ends_ms: null,
  statuses: [],
  requires_impression: false,
  ...times,
  rates: rates.map(([effective_from_ms, cpc_micros]) => ({ effective_from_ms, cpc_micros })),
});
const before = [campaign("c1", [[0, "100"]])];

const paused = (effective_from_ms: number) => [{ effective_from_ms, active: false }];

const CASES: readonly (readonly [string, CampaignHistory, readonly string[]])[] = [
  ["a pause in it", [campaign("c1", [[0, "100"]], { statuses: paused(1_500) })], ["c1"]],
  ["a pause after it", [campaign("c1", [[0, "100"]], { statuses: paused(2_000) })], []],
  ["impressions asked for", [campaign("c1", [[0, "100"]], { requires_impression: true })], ["c1"]],
  ["nothing changed", [campaign("c1", [[0, "100"]])], []],
  [
    "another price at its start",
    [
      campaign("c1", [
        [0, "100"],
        [1_000, "200"],
      ]),
    ],
    ["c1"],
  ],
  [
    "another price within it",
    [
      campaign("c1", [
        [0, "100"],
        [1_999, "200"],
      ]),
    ],
    ["c1"],
  ],
  [
    "another price right after it",
    [
      campaign("c1", [
        [0, "100"],
        [2_000, "200"],
      ]),
    ],
    [],
  ],
  [
    "a price that was over before it",
    [
      campaign("c1", [
        [0, "7"],
        [500, "100"],
      ]),
    ],
    [],
  ],
  ["the price that it had all along", [campaign("c1", [[900, "100"]])], []],
  ["a start within it", [campaign("c1", [[0, "100"]], { starts_ms: 1_500 })], ["c1"]],
  ["a start before it", [campaign("c1", [[0, "100"]], { starts_ms: 900 })], []],
  ["an end before it", [campaign("c1", [[0, "100"]], { ends_ms: 900 })], ["c1"]],
  ["an end after it", [campaign("c1", [[0, "100"]], { ends_ms: 2_000 })], []],
  ["a campaign more", [...before, campaign("c2", [])], ["c2"]],
  ["a campaign less", [], ["c1"]],
];

describe("a day's campaigns are others after", () => {
  it.each(CASES)("%s", (_what, now, ids) => {
    expect(changedCampaigns(before, now, DAY)?.campaignIds ?? []).toEqual(ids);
    expect(changedCampaigns(now, before, DAY)?.campaignIds ?? []).toEqual(ids);
  });

  it("tells a campaign that is others from one that came or went", () => {
    expect(changedCampaigns(before, [], DAY)?.isRepriced).toBe(false);
    expect(changedCampaigns(before, [campaign("c1", [])], DAY)?.isRepriced).toBe(true);
  });
});
