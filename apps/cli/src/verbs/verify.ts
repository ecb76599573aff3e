import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const ABOUT = {
  partition: {
    id: "<advertiser/day>",
    text: "count a day of an advertiser again from the archive, and compare hashes",
  },
  line: {
    id: "<advertiser/day/campaign>",
    text: "the same of one billed line",
  },
} as const;

export function addVerify({ program, context, run }: VerbHost): void {
  const verify = group(program, "verify", "count again what is billed, and compare");
  for (const kind of ["partition", "line"] as const) {
    verify
      .command(kind)
      .description(ABOUT[kind].text)
      .argument(ABOUT[kind].id, "with @VERSION at its end of an earlier version")
      .option(...JSON_OPTION)
      .addHelpText("after", "\nBy what was written down when it was counted. Publishes nothing.")
      .action((id: string, raw: unknown) => {
        const { json } = parseOptions(jsonFlag, raw);
        return run(json, async () => {
          const { runVerify } = await import("../verify/verifyVerb.ts");
          return runVerify(context, kind, id);
        });
      });
  }
}
