import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

export function addBatchStatus({ program, context, run }: VerbHost): void {
  group(program, "batch", "count for billing")
    .command("status")
    .description("what waits, runs, and has ended, and the days that have new events")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const { json } = parseOptions(jsonFlag, raw);
      return run(json, async () => {
        const { readBatchStatus } = await import("../batch/readStatus.ts");
        return readBatchStatus(context);
      });
    });
}
