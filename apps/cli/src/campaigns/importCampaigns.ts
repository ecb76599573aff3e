import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import { type CliContext, EXIT_FAILED, type VerbResult } from "../terminal/context.ts";
import { applyPlan } from "./applyPlan.ts";
import { type ImportIssue, planCampaigns } from "./domain/campaignPlan.ts";
import { readCampaignFile } from "./readCampaignFile.ts";

const ISSUES_TOLD_MAX = 50;

/** Reads, checks and writes a file of campaigns: all of it or nothing. */
export async function importCampaigns(context: CliContext, file: string): Promise<VerbResult> {
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
