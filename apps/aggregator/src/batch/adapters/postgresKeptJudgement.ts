/** What a closed day keeps when it is counted again: the rules that it was judged by last. */
import type { Database } from "@trueclick/db/postgres/database";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { batchJobs } from "@trueclick/db/postgres/schema/truth";
import { requirementsSchema } from "@trueclick/db/queries/campaignChanges";
import { closesAtMs } from "@trueclick/db/queries/finality";
import type { RuleInForce } from "@trueclick/shared/verdict/rules";
import { and, desc, eq, inArray, sql } from "drizzle-orm";
import { z } from "zod";
import type { PinnedCampaign } from "../domain/inputs.ts";
import { type Job, JobRefusedError } from "../ports/jobQueue.ts";
import { recordedRulesSchema } from "./recordedInputs.ts";

export interface KeptJudgement {
  readonly rules: readonly RuleInForce[];
  readonly datacenterRangesSha256: string | null;
  /** By campaign; one that was not there then is not in it. */
  readonly requirements: ReadonlyMap<string, PinnedCampaign["requirements"]>;
}

/** What `inputsJson` wrote of it. */
const pinnedSchema = z.object({
  rules: recordedRulesSchema,
  datacenter_ranges_sha256: z.string().nullable(),
  campaigns: z.array(
    z.object({ id: z.string(), requires_impression: requirementsSchema.default([]) }),
  ),
});

/**
 * Null for a day that is judged by the rules of now: while it is open, when it was never counted, and
 * when a person asked for it to be judged anew (`full`).
 *
 * @param dayEndMs End of the billing day, exclusive, epoch milliseconds.
 * @throws {JobRefusedError} This program cannot judge by what the day was judged by.
 */
export async function readKeptJudgement(
  tx: Pick<Database, "select">,
  { advertiserId, billingDay, full }: Pick<Job, "advertiserId" | "billingDay" | "full">,
  dayEndMs: number,
): Promise<KeptJudgement | null> {
  if (full) return null;
  const [last] = await tx
    .select({
      id: batchJobs.id,
      inputs: batchJobs.inputs,
      settlingHours: advertisers.settlingHours,
      nowMs: sql`extract(epoch from now()) * 1000`.mapWith(Number),
    })
    .from(batchJobs)
    .innerJoin(advertisers, eq(advertisers.id, batchJobs.advertiserId))
    .where(
      and(
        eq(batchJobs.advertiserId, advertiserId),
        eq(batchJobs.billingDay, billingDay),
        inArray(batchJobs.state, ["published", "verified"]),
      ),
    )
    .orderBy(desc(batchJobs.id))
    .limit(1);
  if (last === undefined || last.nowMs < closesAtMs(dayEndMs, last.settlingHours)) return null;
  const pinned = readPinned(last.inputs);
  if (pinned === null) {
    throw new JobRefusedError(
      `the rules that job ${last.id} judged this closed day by are not known to this program; ` +
        `npx trueclick recompute --from ${billingDay} --to ${billingDay} judges it by those of now`,
    );
  }
  return {
    rules: pinned.rules,
    datacenterRangesSha256: pinned.datacenter_ranges_sha256,
    requirements: new Map(
      pinned.campaigns.map(({ id, requires_impression }) => [
        id,
        requires_impression.map(({ effective_from_ms, required }) => {
          return { effectiveFromMs: effective_from_ms, required };
        }),
      ]),
    ),
  };
}

function readPinned(inputs: unknown): z.infer<typeof pinnedSchema> | null {
  try {
    return pinnedSchema.parse(inputs);
  } catch (error) {
    if (error instanceof z.ZodError) return null;
    throw error;
  }
}
