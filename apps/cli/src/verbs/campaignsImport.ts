import { CAMPAIGN_COLUMNS } from "../campaigns/domain/campaignPlan.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const HELP = `
CSV header: ${CAMPAIGN_COLUMNS.join(",")}
A campaign has one row for each of its rates. Rates are in force from effective_from (ISO 8601 with a
zone, or a day: its start in time_zone) until the next one's; an empty daily_budget_micros means none. A further column
requires_impression, true or false, says whether from effective_from on a click counts only if its
impression was received; without it, or empty, that stays as it is. Open days are counted again by it,
closed ones keep what they were judged by.

JSON: an array of objects with those names, or
  {"advertisers": [{"id", "name", "time_zone", "currency", "campaigns": [{"id", "name",
    "daily_budget_micros", "requires_impression", "ads": [{"id", "name"}],
    "rates": [{"cpc_micros", "effective_from", "requires_impression"}]}]}]}

All of a file is imported or nothing. The same file again changes nothing.`;

export function addCampaignsImport({ program, context, run }: VerbHost): void {
  group(program, "campaigns", "advertisers, their campaigns and rates")
    .command("import")
    .description("import advertisers, campaigns, ads and rates from CSV or JSON")
    .argument("<file>")
    .option(...JSON_OPTION)
    .addHelpText("after", HELP)
    .action((file: string, raw: unknown) => {
      const { json } = parseOptions(jsonFlag, raw);
      return run(json, async () => {
        const { importCampaigns } = await import("../campaigns/importCampaigns.ts");
        return importCampaigns(context, file);
      });
    });
}
