import { listCampaigns } from "@trueclick/db/queries/advertisers";
import { windowsAt } from "@trueclick/db/queries/attributionWindows";
import { router, scopedProcedure } from "../../../server/api/trpc.ts";

export const campaignsRouter = router({
  list: scopedProcedure("report:read").query(async ({ ctx, input }) => {
    const { advertiserId } = input;
    const campaigns = await listCampaigns(ctx.stores, ctx.tenant, { advertiserId });
    const windowOf = await windowsAt(ctx.stores, Date.now());
    return campaigns.map((campaign) => ({
      ...campaign,
      lookbackDays: windowOf(campaign.advertiserId, campaign.id),
    }));
  }),
});
