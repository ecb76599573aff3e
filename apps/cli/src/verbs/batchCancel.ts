import { z } from "zod";
import { UsageError } from "../terminal/errors.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const jobIdSchema = z.coerce.number().int().positive();

export function addBatchCancel({ program, context, run }: VerbHost): void {
  group(program, "batch", "count for billing")
    .command("cancel")
    .description("end a waiting or running job before it publishes anything")
    .argument("<job>", "the number that `batch status` tells")
    .option(...JSON_OPTION)
    .action((job: string, raw: unknown) => {
      const { json } = parseOptions(jsonFlag, raw);
      const jobId = jobIdSchema.safeParse(job);
      if (!jobId.success) throw new UsageError(`a job is a number, not ${job}`);
      return run(json, async () => {
        const { cancelBatchJob } = await import("../batch/cancelBatchJob.ts");
        return cancelBatchJob(context, jobId.data);
      });
    });
}
