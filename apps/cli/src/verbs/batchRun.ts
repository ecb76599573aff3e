import { z } from "zod";
import {
  dayOption,
  group,
  JSON_OPTION,
  jsonFlag,
  parseOptions,
  type VerbHost,
} from "../terminal/verbs.ts";

const optionsSchema = jsonFlag.extend({
  day: dayOption.optional(),
  advertiser: z.string().optional(),
  reason: z.string().min(1).max(500).default("asked for by trueclick batch run"),
});

export function addBatchRun({ program, context, run }: VerbHost): void {
  group(program, "batch", "count for billing")
    .command("run")
    .description("count the days that have changed for billing, or one day")
    .option(
      "--day <day>",
      "a billing day, YYYY-MM-DD (default: all with new events or changed campaigns)",
    )
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
        const { runBatch } = await import("../batch/runBatch.ts");
        return runBatch(context, options);
      });
    });
}
