import { cancelJob } from "@trueclick/db/queries/jobs";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { CliError } from "../terminal/errors.ts";

/** Ends a waiting or running job before it publishes. */
export async function cancelBatchJob(context: CliContext, jobId: number): Promise<VerbResult> {
  const stack = await resolveStack(context);
  const request = { jobId, cancelledBy: "trueclick batch cancel" };
  const cancellation = await withStores(stack, (stores) =>
    cancelJob(stores, { kind: "all" }, request),
  );
  if (cancellation === null) throw new CliError("not_found", `No job ${jobId}`);
  if (cancellation.outcome === "ended") {
    throw new CliError("already_ended", `Job ${jobId} has ended before: ${cancellation.state}`);
  }
  return {
    text: `Job ${cancellation.jobId} is cancelled; what readers see is as it was.`,
    json: { job_id: cancellation.jobId, state: "cancelled" },
  };
}
