import { describe, expect, it } from "vitest";
import { type CampaignHistory, changedCampaigns } from "./campaignChanges.ts";

const DAY = { fromMs: 1_000, toMs: 2_000, isClosed: false };

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
  requires_impression: [],
  ...times,
  rates: rates.map(([effective_from_ms, cpc_micros]) => ({ effective_from_ms, cpc_micros })),
});
const before = [campaign("c1", [[0, "100"]])];

const needed = (...entries: readonly (readonly [number, boolean])[]) => ({
  requires_impression: entries.map(([effective_from_ms, required]) => {
    return { effective_from_ms, required };
  }),
});
const paused = (effective_from_ms: number) => [{ effective_from_ms, active: false }];

const CASES: readonly (readonly [string, CampaignHistory, readonly string[]])[] = [
  ["a pause in it", [campaign("c1", [[0, "100"]], { statuses: paused(1_500) })], ["c1"]],
  ["a pause after it", [campaign("c1", [[0, "100"]], { statuses: paused(2_000) })], []],
  ["impressions needed all along", [campaign("c1", [[0, "100"]], needed([0, true]))], ["c1"]],
  [
    "impressions needed from within it",
    [campaign("c1", [[0, "100"]], needed([1_999, true]))],
    ["c1"],
  ],
  ["impressions needed after it", [campaign("c1", [[0, "100"]], needed([2_000, true]))], []],
  [
    "none needed, said twice",
    [campaign("c1", [[0, "100"]], needed([0, false], [1_500, false]))],
    [],
  ],
  ["none needed any more", [campaign("c1", [[0, "100"]], needed([0, true], [900, false]))], []],
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

  // A closed day was shown as final; a price that is put right may change it, another rule may not.
  it("not if it has closed and impressions are needed, but if another price is", () => {
    const closed = { ...DAY, isClosed: true };
    const asking = [campaign("c1", [[0, "100"]], needed([0, true]))];
    expect(changedCampaigns(before, asking, closed)).toBeNull();
    expect(changedCampaigns(before, [campaign("c1", [[0, "1"]])], closed)).not.toBeNull();
  });

  it("tells a campaign that is others from one that came or went", () => {
    expect(changedCampaigns(before, [], DAY)?.isRepriced).toBe(false);
    expect(changedCampaigns(before, [campaign("c1", [])], DAY)?.isRepriced).toBe(true);
  });
});
