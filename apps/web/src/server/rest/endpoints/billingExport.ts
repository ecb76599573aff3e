import { type BilledCounts, billingMonth } from "@trueclick/db/queries/billingMonth";
import { invalidRate } from "@trueclick/db/routing/measures";
import { microsToDecimal } from "@trueclick/shared/money";
import { z } from "zod";
import { csvAnswer, notFound } from "../answer.ts";
import { toCsv } from "../csv.ts";
import { defineEndpoint } from "../endpoint.ts";
import { advertiserParam } from "../params.ts";

const COLUMNS = [
  "month",
  "day",
  "advertiser_id",
  "advertiser_name",
  "campaign_id",
  "campaign_name",
  "version",
  "finality",
  "clicks",
  "gross_clicks",
  "net_clicks",
  "duplicate_clicks",
  "impressions",
  "conversions",
  "unique_users",
  "cost_micros",
  "cost",
  "currency",
  "invalid_rate",
  "final_at",
  "attributed_conversions",
  "attributed_value_micros",
  "decision_rate",
] as const;

export const billingExportEndpoint = defineEndpoint({
  path: "/billing/export",
  summary:
    "A month as it is billed: a row per day and campaign; of a day without an event one, without a campaign",
  scope: "billing:export",
  csv: "only",
  params: z.object({
    advertiser_id: advertiserParam,
    month: z
      .string()
      .regex(/^(19[7-9]\d|20\d\d)-(0[1-9]|1[0-2])$/, "must be a month, YYYY-MM, from 1970 to 2099")
      .describe("In the advertiser's zone"),
  }),
  answer: z.string(),
  async handle({ stores, caller, nowMs }, { advertiser_id: advertiserId, month }) {
    const billed = await billingMonth(stores, caller.tenant, { advertiserId, month }, nowMs);
    if (billed === null) throw notFound("advertiser");
    const rows = billed.days.flatMap((day) => {
      const ofDay = {
        month,
        day: day.day,
        advertiser_id: billed.advertiser.id,
        advertiser_name: billed.advertiser.name,
        version: day.version,
        finality: day.finality,
        currency: billed.currency,
        final_at: day.finalAt.toISOString(),
      };
      // Known to be nothing, which a day that nobody has counted is not.
      const isNothing = day.lines.length === 0 && (day.isEmpty || day.version !== null);
      if (isNothing) return [{ ...ofDay, ...countsOf({ ...day.totals, uniqueUsers: 0n }) }];
      return day.lines.map((line) => ({
        ...ofDay,
        campaign_id: line.campaignId,
        campaign_name: line.campaignName,
        ...countsOf(line),
        decision_rate: DECIDED,
      }));
    });
    const name = `billing-${billed.advertiser.id.replaceAll(/[^A-Za-z0-9_-]/g, "_")}-${month}.csv`;
    return csvAnswer(name, toCsv(COLUMNS, rows));
  },
});

/** A version is not published unless each of its events has a verdict of all rules. */
const DECIDED = 1;

function countsOf(line: BilledCounts & { readonly uniqueUsers: bigint }) {
  return {
    clicks: line.clicks,
    gross_clicks: line.grossClicks,
    net_clicks: line.netClicks,
    duplicate_clicks: line.duplicateClicks,
    impressions: line.impressions,
    conversions: line.conversions,
    unique_users: line.uniqueUsers,
    cost_micros: line.costMicros,
    cost: microsToDecimal(line.costMicros),
    invalid_rate: invalidRate({
      gross_clicks: Number(line.grossClicks),
      clicks: Number(line.clicks),
    }),
    attributed_conversions: line.attributedConversions,
    attributed_value_micros: line.attributedValueMicros,
  };
}
