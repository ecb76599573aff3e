import { TRPCError } from "@trpc/server";
import { getJob, listTruthPartitions } from "@trueclick/db/queries/truth";
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
});
