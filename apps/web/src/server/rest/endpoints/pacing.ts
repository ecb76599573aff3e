import { campaignPacing } from "@trueclick/db/queries/pacing";
import { PACING_STATUSES, PROJECTION_METHODS } from "@trueclick/db/queries/pacingMath";
import { FILTER_VALUES_MAX } from "@trueclick/db/routing/reportQuery";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { z } from "zod";
import { jsonAnswer } from "../answer.ts";
import { defineEndpoint } from "../endpoint.ts";
import { requireAdvertisers, requireCampaigns } from "../visible.ts";

const params = z.object({
  advertiser_id: z.array(advertiserIdSchema).max(FILTER_VALUES_MAX).optional(),
  campaign_id: z.array(campaignIdSchema).max(FILTER_VALUES_MAX).optional(),
});

const rowSchema = z.object({
  campaign: z.string(),
  campaign_name: z.string(),
  advertiser: z.string(),
  currency: z.string(),
  day: z.string().describe("Today in the account's time zone"),
  time_zone: z.string(),
  elapsed_share: z.number().describe("Of today, 0 to 1"),
  budget_micros: z.int(),
  spent_micros: z.int().describe("So far today, by the live estimate"),
  projected_micros: z.int().nullable().describe("At the end of the day; null: too early to say"),
  projection: z.enum(PROJECTION_METHODS),
  status: z.enum(PACING_STATUSES),
  over_delivery: z.boolean().describe("More than the budget is spent already"),
});

const answer = z.object({
  rows: z.array(rowSchema),
  meta: z.object({
    as_of: z.string(),
    watermark: z.string().nullable(),
    finality: z.literal("live"),
    degraded: z.boolean(),
  }),
});

export const pacingEndpoint = defineEndpoint({
  path: "/pacing",
  summary: "Today's spend against the daily budget, and where it will end, by campaign",
  scope: "report:read",
  params,
  answer,
  async handle(context, asked) {
    const scope = await requireAdvertisers(context, asked.advertiser_id);
    await requireCampaigns(context, asked.campaign_id);
    const filter = { campaignIds: asked.campaign_id };
    const { stores, nowMs } = context;
    const { rows, watermarkMs, degraded } = await campaignPacing(stores, scope, filter, nowMs);
    return jsonAnswer(answer, {
      rows: rows.map((row) => ({
        campaign: row.campaignId,
        campaign_name: row.campaignName,
        advertiser: row.advertiserId,
        currency: row.currency,
        day: row.day,
        time_zone: row.timeZone,
        elapsed_share: row.elapsedShare,
        budget_micros: row.budgetMicros,
        spent_micros: row.spentMicros,
        projected_micros: row.projectedMicros,
        projection: row.method,
        status: row.status,
        over_delivery: row.overDelivery,
      })),
      meta: {
        as_of: new Date(nowMs).toISOString(),
        watermark: watermarkMs === null ? null : new Date(watermarkMs).toISOString(),
        finality: "live",
        degraded,
      },
    });
  },
});
