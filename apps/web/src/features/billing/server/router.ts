import { billingMonth } from "@trueclick/db/queries/truth";
import { z } from "zod";
import { router, scopedProcedure } from "../../../server/api/trpc.ts";

const monthInput = z.object({
  month: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, "must be a month, YYYY-MM"),
});

export const billingRouter = router({
  month: scopedProcedure("billing:read")
    .input(monthInput)
    .query(({ ctx, input: { advertiserId, month } }) =>
      billingMonth(ctx.stores, ctx.tenant, { advertiserId, month }),
    ),
});
