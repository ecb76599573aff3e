import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { z } from "zod";
import { CAMPAIGN_COLUMNS } from "../campaigns/domain/campaignPlan.ts";
import { openInput } from "../send/readLines.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { parseInstant } from "../terminal/parseInstant.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";
import { convertWeblog } from "../weblog/convertWeblog.ts";
import { CAMPAIGN_SOURCES } from "../weblog/domain/toEvent.ts";

const optionsSchema = jsonFlag.extend({
  out: z.string().min(1),
  campaignBy: z.enum(CAMPAIGN_SOURCES).default("section"),
  prefix: z.string().default("web-"),
  shiftTo: z.string().optional(),
  campaigns: z.string().min(1).optional(),
  advertiser: z.string().min(1).default("weblogs"),
});
type Options = z.infer<typeof optionsSchema>;

const HELP = `
Every line in the combined log format becomes one click:
  event_id     a hash of the file and the line's number: the same at every conversion
  event_time   the line's time, moved by whole days so that the last line lies before --shift-to
  campaign_id  the first folder of the path (section), the answer's status, or the request's method
  user_id      a hash of address and user agent
  ip           the address, where it is one;  user_agent as logged
Lines of another form are told and left out. Files named *.gz are unpacked.`;

export function addEventsFromWeblog({ program, context, run }: VerbHost): void {
  group(program, "events", "send events, make them from other files")
    .command("from-weblog")
    .description("make events of a web server's access log (combined format)")
    .argument("<file>")
    .requiredOption("--out <file>", "where the events go, NDJSON")
    .option("--campaign-by <field>", CAMPAIGN_SOURCES.join(", "))
    .option("--prefix <text>", "put before each campaign's id (default: web-)")
    .option("--shift-to <time>", "ISO 8601 with a zone, or now (default: times stay)")
    .option("--campaigns <file>", "also write a CSV of the campaigns, for `campaigns import`")
    .option("--advertiser <id>", "whose campaigns they are in that CSV (default: weblogs)")
    .option(...JSON_OPTION)
    .addHelpText("after", HELP)
    .action((file: string, raw: unknown) => {
      const options = parseOptions(optionsSchema, raw);
      return run(options.json, () => convert(context, file, options));
    });
}

async function convert(context: CliContext, file: string, options: Options): Promise<VerbResult> {
  const out = createWriteStream(options.out);
  await once(out, "open");
  const summary = await convertWeblog({
    open: async () => (await openInput(file, context.stdin)).chunks,
    campaignBy: options.campaignBy,
    prefix: options.prefix,
    shiftToMs: toShift(options.shiftTo),
    write: async (json) => {
      if (!out.write(`${json}\n`)) await once(out, "drain");
    },
  });
  out.end();
  await once(out, "close");
  if (options.campaigns !== undefined) {
    const ids = [...summary.clicksByCampaign.keys()].sort();
    await writeFile(options.campaigns, toCampaignCsv(ids, options.advertiser));
  }
  const { lines, events, skipped, skippedLines, clicksByCampaign } = summary;
  return {
    text:
      `${events} events of ${lines} lines, ${clicksByCampaign.size} campaigns` +
      (skipped === 0 ? "" : `; ${skipped} of another form, lines ${skippedLines.join(", ")}`),
    json: {
      lines,
      events,
      skipped,
      skipped_lines: skippedLines,
      shift_ms: summary.shiftMs,
      clicks_by_campaign: Object.fromEntries(clicksByCampaign),
    },
  };
}

function toShift(shiftTo: string | undefined): number | null {
  if (shiftTo === undefined) return null;
  return shiftTo === "now" ? Date.now() : parseInstant("shift-to", shiftTo);
}

/** At a tenth of a euro a click, from before all times. */
function toCampaignCsv(ids: readonly string[], advertiser: string): string {
  const rows = ids.map((id) =>
    [advertiser, "Web logs", "UTC", "EUR", id, id, "100000", "2000-01-01T00:00:00Z", ""].join(","),
  );
  return `${[CAMPAIGN_COLUMNS.join(","), ...rows].join("\n")}\n`;
}
