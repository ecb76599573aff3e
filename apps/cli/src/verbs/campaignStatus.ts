import { z } from "zod";
import { parseInstant } from "../terminal/parseInstant.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const statusOptions = jsonFlag.extend({ from: z.string(), reason: z.string().min(1).max(500) });

const VERBS = [
  ["pause", "paused", "stop a campaign: its clicks from then on are not billed"],
  ["activate", "active", "let a paused campaign go on"],
] as const;

/** `campaigns pause` and `campaigns activate`. */
export function addCampaignStatus({ program, context, run }: VerbHost): void {
  const campaigns = group(program, "campaigns", "advertisers, their campaigns and rates");
  for (const [verb, status, description] of VERBS) {
    campaigns
      .command(verb)
      .description(description)
      .argument("<campaign>")
      .requiredOption("--from <time>", "event time, inclusive, ISO 8601 with a zone")
      .requiredOption("--reason <text>", "why, for the audit page")
      .option(...JSON_OPTION)
      .addHelpText(
        "after",
        "\nIt holds until the next pause or activation. Counted days are counted again.",
      )
      .action((campaign: string, raw: unknown) => {
        const { json, from, reason } = parseOptions(statusOptions, raw);
        const effectiveFromMs = parseInstant("from", from);
        const change = { campaign, status, effectiveFromMs, reason };
        return run(json, async () => {
          const { setStatus } = await import("../campaigns/statusVerbs.ts");
          return setStatus(context, change);
        });
      });
  }
}
