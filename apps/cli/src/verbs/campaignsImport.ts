import { applyPlan } from "../campaigns/applyPlan.ts";
import {
  CAMPAIGN_COLUMNS,
  type ImportIssue,
  planCampaigns,
} from "../campaigns/domain/campaignPlan.ts";
import { readCampaignFile } from "../campaigns/readCampaignFile.ts";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import { type CliContext, EXIT_FAILED, type VerbResult } from "../terminal/context.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const ISSUES_TOLD_MAX = 50;

const HELP = `
CSV header: ${CAMPAIGN_COLUMNS.join(",")}
A campaign has one row for each of its rates. Rates are in force from effective_from (ISO 8601 with a
zone) until the next one's; an empty daily_budget_micros means none.

JSON: an array of objects with those names, or
  {"advertisers": [{"id", "name", "time_zone", "currency", "campaigns": [{"id", "name",
    "daily_budget_micros", "ads": [{"id", "name"}], "rates": [{"cpc_micros", "effective_from"}]}]}]}

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
      return run(json, () => importCampaigns(context, file));
    });
}

async function importCampaigns(context: CliContext, file: string): Promise<VerbResult> {
  const { plan, issues } = planCampaigns(await readCampaignFile(file));
  if (issues.length > 0) return refused(issues);
  const outcome = await withStores(await resolveStack(context), ({ db }) => applyPlan(db, plan));
  if (outcome.kind === "refused") return refused(outcome.issues);
  const { counts } = outcome;
  return {
    text:
      `${counts.advertisers} advertisers, ${counts.campaigns} campaigns, ${counts.ads} ads, ` +
      `${counts.newRates} new rates`,
    json: {
      advertisers: counts.advertisers,
      campaigns: counts.campaigns,
      ads: counts.ads,
      new_rates: counts.newRates,
    },
  };
}

function refused(issues: readonly ImportIssue[]): VerbResult {
  const told = issues.slice(0, ISSUES_TOLD_MAX);
  const lines = told.map(({ where, column, message }) => `${where}, ${column}: ${message}`);
  const more = issues.length - told.length;
  return {
    text: [...lines, ...(more > 0 ? [`… ${more} more`] : []), "Nothing was imported."].join("\n"),
    json: { error: { code: "bad_file", message: lines[0] ?? "", issues: told } },
    exitCode: EXIT_FAILED,
  };
}
