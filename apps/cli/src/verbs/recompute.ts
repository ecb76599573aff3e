import { z } from "zod";
import { UsageError } from "../terminal/errors.ts";
import {
  dayOption,
  JSON_OPTION,
  jsonFlag,
  parseOptions,
  type VerbHost,
} from "../terminal/verbs.ts";

const optionsSchema = jsonFlag.extend({
  from: dayOption,
  to: dayOption,
  advertiser: z.string().optional(),
  reason: z.string().min(1).max(500).default("asked for by trueclick recompute"),
});

export function addRecompute({ program, context, run }: VerbHost): void {
  program
    .command("recompute")
    .description("count billing days again by the rules of now, changed or not, closed days too")
    .requiredOption("--from <day>", "the first billing day, YYYY-MM-DD")
    .requiredOption("--to <day>", "the last one, which is counted too")
    .option("--advertiser <id>", "of one advertiser (default: of all)")
    .option("--reason <text>", "why, for the audit page")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nA day that comes out as it was is recorded as verified and publishes nothing. Ends with 1 if one failed.",
    )
    .action((raw: unknown) => {
      const { json, ...request } = parseOptions(optionsSchema, raw);
      if (request.to < request.from) throw new UsageError("--to must not be before --from");
      return run(json, async () => {
        const { recompute } = await import("../batch/runBatch.ts");
        return recompute(context, request);
      });
    });
}
