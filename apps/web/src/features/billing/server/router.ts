import { TRPCError } from "@trpc/server";
import { billingMonth } from "@trueclick/db/queries/billingMonth";
import { z } from "zod";
import { router, scopedProcedure } from "../../../server/api/trpc.ts";

const monthInput = z.object({
  month: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, "must be a month, YYYY-MM"),
});

export const billingRouter = router({
  month: scopedProcedure("billing:read")
    .input(monthInput)
    .query(async ({ ctx, input: { advertiserId, month } }) => {
      const billed = await billingMonth(ctx.stores, ctx.tenant, { advertiserId, month }, ctx.nowMs);
      if (billed === null) throw new TRPCError({ code: "NOT_FOUND" });
      return billed;
    }),
});
