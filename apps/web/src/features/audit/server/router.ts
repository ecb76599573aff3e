import { TRPCError } from "@trpc/server";
import { getJob, listTruthPartitions } from "@trueclick/db/queries/truth";
import { lastVerification, requestVerification } from "@trueclick/db/queries/verifications";
import { versionDiff } from "@trueclick/db/queries/versionDiff";
import { parseDay } from "@trueclick/shared/calendar";
import { z } from "zod";
import { router, scopedProcedure } from "../../../server/api/trpc.ts";

const day = z.string().refine(isDay, "must be a calendar day, YYYY-MM-DD");

const version = z.int().positive();

function isDay(text: string): boolean {
  try {
    return parseDay(text) === text;
  } catch {
    return false;
  }
}

export const auditRouter = router({
  partitions: scopedProcedure("audit:read")
    .input(z.object({ fromDay: day, toDay: day }))
    .query(({ ctx, input: { advertiserId, fromDay, toDay } }) =>
      listTruthPartitions(ctx.stores, ctx.tenant, { advertiserId, fromDay, toDay }),
    ),

  /** @throws {TRPCError} NOT_FOUND for a version that there is not, or of another advertiser. */
  versionDiff: scopedProcedure("audit:read")
    .input(z.object({ day, before: version, after: version }))
    .query(async ({ ctx, input: { advertiserId, day: billingDay, before, after } }) => {
      const asked = { advertiserId, billingDay, before, after };
      const diff = await versionDiff(ctx.stores, ctx.tenant, asked);
      if (diff === null) throw new TRPCError({ code: "NOT_FOUND" });
      return diff;
    }),

  /** @throws {TRPCError} NOT_FOUND also for a job of another advertiser. */
  job: scopedProcedure("audit:read")
    .input(z.object({ jobId: z.int().positive() }))
    .query(async ({ ctx, input: { jobId } }) => {
      const job = await getJob(ctx.stores, ctx.tenant, jobId);
      if (job === null) throw new TRPCError({ code: "NOT_FOUND" });
      return job;
    }),

  /** What came of counting a version again; null where nobody has asked for it. */
  verification: scopedProcedure("audit:read")
    .input(z.object({ day, version }))
    .query(({ ctx, input: { advertiserId, day: billingDay, version: asked } }) =>
      lastVerification(ctx.stores, ctx.tenant, { advertiserId, billingDay, version: asked }),
    ),

  /**
   * Has a version counted again. It takes what a full recount takes and changes nothing.
   *
   * @throws {TRPCError} NOT_FOUND for a version that there is not, or of another advertiser.
   */
  verify: scopedProcedure("audit:read")
    .input(z.object({ day, version }))
    .mutation(async ({ ctx, input: { advertiserId, day: billingDay, version: asked } }) => {
      const whole = { advertiserId, billingDay, version: asked, campaignId: null };
      const by = await ctx.access.emailOf(ctx.userId);
      const id = await requestVerification(ctx.stores, ctx.tenant, whole, by);
      if (id === null) throw new TRPCError({ code: "NOT_FOUND" });
      return { id };
    }),
});
