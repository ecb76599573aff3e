import { listCampaigns } from "@trueclick/db/queries/advertisers";
import { router, scopedProcedure } from "../../../server/api/trpc.ts";

export const campaignsRouter = router({
  list: scopedProcedure("report:read").query(({ ctx, input }) =>
    listCampaigns(ctx.stores, ctx.tenant, { advertiserId: input.advertiserId }),
  ),
});
