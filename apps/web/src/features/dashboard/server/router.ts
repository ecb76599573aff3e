import { campaignPacing } from "@trueclick/db/queries/pacing";
import { runReport } from "@trueclick/db/routing/report";
import { isTimeZone } from "@trueclick/shared/calendar";
import { ENTITY_ID_LENGTH_MAX } from "@trueclick/shared/ids";
import { DAY_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { router, scopedProcedure } from "../../../server/api/trpc.ts";

/** Thirteen months and a day of slack for clocks that were set. */
const RANGE_MS_MAX = 401 * DAY_MS;
/** One dimension to list and one to draw its trend by. */
const DIMENSIONS_MAX = 2;
const FILTER_VALUES_MAX = 50;

const dimension = z.enum(["campaign", "ad", "geo", "device", "publisher"]);

const reportInput = z
  .object({
    mode: z.enum(["dashboard", "billing"]),
    fromMs: z.int().nonnegative(),
    toMs: z.int().nonnegative(),
    granularity: z.enum(["total", "minute", "hour", "day"]),
    dimensions: z.array(dimension).max(DIMENSIONS_MAX),
    timeZone: z.string().refine(isTimeZone, "must be an IANA time zone"),
    filters: z.partialRecord(
      dimension,
      z.array(z.string().min(1).max(ENTITY_ID_LENGTH_MAX)).min(1).max(FILTER_VALUES_MAX),
    ),
  })
  .refine((range) => range.fromMs < range.toMs, "fromMs must be before toMs")
  .refine((range) => range.toMs - range.fromMs <= RANGE_MS_MAX, "at most thirteen months");

export const dashboardRouter = router({
  report: scopedProcedure("report:read")
    .input(reportInput)
    .query(({ ctx, input: { advertiserId: _, ...query } }) =>
      runReport(ctx.stores, { ...query, scope: ctx.tenant }),
    ),

  /** Today's spend of every campaign with a daily budget, by the live estimate. */
  pacing: scopedProcedure("report:read").query(({ ctx }) => campaignPacing(ctx.stores, ctx.tenant)),
});
