import { z } from "zod";
import {
  dayOption,
  group,
  JSON_OPTION,
  jsonFlag,
  parseOptions,
  type VerbHost,
} from "../terminal/verbs.ts";

const version = z.coerce.number().pipe(z.int32().min(1));
const optionsSchema = jsonFlag.extend({
  advertiser: z.string().min(1),
  day: dayOption,
  before: version,
  after: version,
});

export function addBatchDiff({ program, context, run }: VerbHost): void {
  group(program, "batch", "count for billing")
    .command("diff")
    .description("tell what moved between two versions of a day, and why")
    .requiredOption("--advertiser <id>", "whose day")
    .requiredOption("--day <day>", "a billing day, YYYY-MM-DD")
    .requiredOption("--before <version>", "the earlier version")
    .requiredOption("--after <version>", "the later version")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const { json, ...request } = parseOptions(optionsSchema, raw);
      return run(json, async () => {
        const { diffVersions } = await import("../batch/diffVersions.ts");
        return diffVersions(context, request);
      });
    });
}
