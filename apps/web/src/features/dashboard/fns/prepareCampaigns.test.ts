import { HOUR_MS } from "@trueclick/shared/time";
import { expect, it } from "vitest";
import { prepareCampaigns } from "./prepareCampaigns.ts";

const counts = { gross_clicks: 10, invalid_clicks: 1, impressions: 0, cost_micros: 1_000_000 };
const frame = { fromMs: 0, toMs: 3 * HOUR_MS, account: { timeZone: "UTC", settlingHours: 72 } };
const hour = (index: number) => new Date(index * HOUR_MS).toISOString();

it("joins totals, trend and the period before into one row a campaign", () => {
  const [row] = prepareCampaigns(
    [{ ...counts, campaign: "c1", campaign_name: "Spring", clicks: 10 }],
    {
      rows: [
        { ...counts, campaign: "c1", time: hour(0), clicks: 7 },
        { ...counts, campaign: "c2", time: hour(1), clicks: 99 },
      ],
      meta: { mode: "dashboard", as_of: hour(1.5), watermark: hour(1) },
    },
    [{ ...counts, campaign: "c1", clicks: 8 }],
    frame,
    "hour",
  );
  expect(row).toMatchObject({
    name: "Spring",
    change: 0.25,
    cpcMicros: 100_000,
    trend: [7, 0],
    trendProvisional: 1,
  });
});

it("calls a campaign without a name by its id, and knows no change from nothing", () => {
  const [row] = prepareCampaigns(
    [{ ...counts, campaign: "c1", clicks: 10 }],
    null,
    [],
    frame,
    "hour",
  );
  expect(row).toMatchObject({ name: "c1", change: null, trend: [] });
});
