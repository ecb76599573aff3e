import { z } from "zod";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const optionsSchema = jsonFlag.extend({
  sizes: z.boolean().default(false),
  removeOrphans: z.boolean().default(false),
});

export function addArchiveCheck({ program, context, run }: VerbHost): void {
  group(program, "archive", "the immutable archive of all events")
    .command("check")
    .description("prove that it is whole: no gap, no overlap, every object as it was stored")
    .option("--sizes", "compare sizes only, and read no object")
    .option("--remove-orphans", "remove objects that died attempts left and nobody reads")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const { json, sizes, removeOrphans } = parseOptions(optionsSchema, raw);
      return run(json, async () => {
        const { archiveCheck } = await import("../archive/checkVerb.ts");
        return archiveCheck(context, { depth: sizes ? "sizes" : "hashes", removeOrphans });
      });
    });
}
