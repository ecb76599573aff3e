import { JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

export function addTrace({ program, context, run }: VerbHost): void {
  program
    .command("trace")
    .description("everything that happened to one event: where it lies, what was made of it")
    .argument("<event-id>")
    .option(...JSON_OPTION)
    .action((eventId: string, raw: unknown) => {
      const { json } = parseOptions(jsonFlag, raw);
      return run(json, async () => {
        const { trace } = await import("../trace/traceVerb.ts");
        return trace(context, eventId);
      });
    });
}
