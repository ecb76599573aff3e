import { queueJobs } from "@trueclick/db/queries/jobs";
import type { Stores } from "@trueclick/db/stores";
import { z } from "zod";
import { followJobs } from "../batch/followJobs.ts";
import { formatJobs, toJobJson } from "../batch/formatJobs.ts";
import { partitionsToCount } from "../batch/partitionsToCount.ts";
import { waitForArchive } from "../batch/waitForArchive.ts";
import { openEventLog, withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { StackFile } from "../stack/stackFile.ts";
import { type CliContext, EXIT_DONE, EXIT_FAILED, type VerbResult } from "../terminal/context.ts";
import { createProgress } from "../terminal/progress.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const optionsSchema = jsonFlag.extend({
  day: z.string().optional(),
  advertiser: z.string().optional(),
  reason: z.string().min(1).max(500).default("asked for by trueclick batch run"),
});
type Options = z.infer<typeof optionsSchema>;

export function addBatchRun({ program, context, run }: VerbHost): void {
  group(program, "batch", "count for billing")
    .command("run")
    .description("count the days that have new events for billing, or one day")
    .option("--day <day>", "a billing day, YYYY-MM-DD (default: all with new events)")
    .option("--advertiser <id>", "of one advertiser (default: of all)")
    .option("--reason <text>", "why, for the audit page")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nCounts everything that the log held when the command was given. Ends with 1 if a day failed.",
    )
    .action((raw: unknown) => {
      const options = parseOptions(optionsSchema, raw);
      return run(options.json, async () => {
        const stack = await resolveStack(context);
        return withStores(stack, (stores) => runBatch(context, stack, stores, options));
      });
    });
}

async function runBatch(
  context: CliContext,
  stack: StackFile,
  stores: Stores,
  { day, advertiser, reason }: Options,
): Promise<VerbResult> {
  const watching = { progress: createProgress(context.stderr), stop: context.stop };
  const selection = { day, advertiserId: advertiser };
  // Before the waiting: a mistake in the command should not take a minute to be told.
  if (day !== undefined || advertiser !== undefined) await partitionsToCount(stores, selection);
  await waitForArchive(stores.db, openEventLog(stack), { topic: stack.eventsTopic, ...watching });
  const partitions = await partitionsToCount(stores, selection);
  if (partitions.length === 0) {
    return { text: "Nothing to count: no day has new events.", json: { jobs: [] } };
  }
  const request = { partitions, reason, requestedBy: "trueclick batch run" };
  const { requestId, jobIds } = await queueJobs(stores, { kind: "all" }, request);
  const jobs = await followJobs(stores, jobIds, watching);
  const failed = jobs.filter(({ state }) => state === "failed" || state === "cancelled").length;
  const published = jobs.filter(({ state }) => state === "published").length;
  const told = `${published} days published, ${jobs.length - published - failed} as they were`;
  return {
    text: `${formatJobs(jobs)}\n${told}, ${failed} failed`,
    json: { request_id: requestId, jobs: jobs.map(toJobJson) },
    exitCode: failed === 0 ? EXIT_DONE : EXIT_FAILED,
  };
}
