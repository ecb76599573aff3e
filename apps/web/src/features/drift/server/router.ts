import { driftByCampaignHour } from "@trueclick/db/queries/drift";
import { campaignIdSchema } from "@trueclick/shared/ids";
import { DAY_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { router, scopedProcedure } from "../../../server/api/trpc.ts";

/** Campaigns times hours: a month of them is what a page can still show. */
const RANGE_MS_MAX = 32 * DAY_MS;

const driftInput = z
  .object({
    fromMs: z.int().nonnegative(),
    toMs: z.int().nonnegative(),
    campaignId: campaignIdSchema.optional(),
  })
  .refine((range) => range.fromMs < range.toMs, "fromMs must be before toMs")
  .refine((range) => range.toMs - range.fromMs <= RANGE_MS_MAX, "at most 32 days");

export const driftRouter = router({
  byCampaignHour: scopedProcedure("drift:read")
    .input(driftInput)
    .query(({ ctx, input: { fromMs, toMs, campaignId } }) =>
      driftByCampaignHour(ctx.stores, ctx.tenant, {
        fromMs,
        toMs,
        ...(campaignId === undefined ? {} : { campaignId }),
      }),
    ),
});
