import { z } from "zod";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const optionsSchema = jsonFlag.extend({ list: z.boolean().default(false) });

export function addBatchSweep({ program, context, run }: VerbHost): void {
  group(program, "batch", "count for billing")
    .command("sweep")
    .description(
      "remove rows of recounts and back-tests that published nothing and ended a day ago",
    )
    .option("--list", "only tell which they are")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nThe batch does the same by itself every half hour.")
    .action((raw: unknown) => {
      const { json, list } = parseOptions(optionsSchema, raw);
      return run(json, async () => {
        const { sweepBuilds } = await import("../batch/sweepBuilds.ts");
        return sweepBuilds(context, { isList: list });
      });
    });
}
