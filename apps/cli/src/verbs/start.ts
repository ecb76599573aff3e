import { z } from "zod";
import { JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const optionsSchema = jsonFlag.extend({
  demo: z.boolean(),
  history: z.boolean(),
  fresh: z.boolean().default(false),
  kafka: z.boolean().default(false),
  data: z.string().min(1).optional(),
});

export function addStart({ program, context, run }: VerbHost): void {
  program
    .command("start")
    .description("start everything on this machine and keep it running until Ctrl-C")
    .option("--no-demo", "no demo traffic")
    .option("--no-history", "a new demo organisation gets no past")
    .option("--fresh", "begin with new data: removes the old")
    .option("--kafka", "keep the event log in a local Apache Kafka (needs Java 17 and Maven)")
    .option("--data <dir>", "data folder (else TRUECLICK_DATA, else .trueclick)")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const options = parseOptions(optionsSchema, raw);
      return run(options.json, async () => {
        const { loadStartSettings } = await import("../start/startSettings.ts");
        const { start } = await import("../start/start.ts");
        const settings = loadStartSettings(context, options);
        await start(context, settings);
        return { text: "Stopped.", json: { stopped: true } };
      });
    });
}
