import { WINDOW_DAYS } from "@trueclick/shared/attribution";
import { z } from "zod";
import { UsageError } from "../terminal/errors.ts";
import { parseInstant } from "../terminal/parseInstant.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const id = z.string().min(1).max(64).optional();
const setOptions = jsonFlag.extend({
  days: z.string(),
  advertiser: id,
  campaign: id,
  from: z.string(),
  reason: z.string().min(1).max(500),
});

/** Loaded when asked for: verbs that need no database should not wait for its driver. */
const loadVerbs = () => import("../attribution/windowVerbs.ts");

/** `attribution list` and `attribution set`. */
export function addAttribution({ program, context, run }: VerbHost): void {
  const attribution = group(program, "attribution", "which clicks conversions are credited to");
  attribution
    .command("list")
    .description("list every look-back window that was set")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const { json } = parseOptions(jsonFlag, raw);
      return run(json, async () => (await loadVerbs()).listAllWindows(context));
    });
  attribution
    .command("set")
    .description("say how long before a conversion a click may lie to be credited with it")
    .requiredOption("--days <days>", `${WINDOW_DAYS.join(", ")}, or inherit: as the wider scope`)
    .option("--advertiser <id>", "of one advertiser (default: of all)")
    .option("--campaign <id>", "of one campaign")
    .requiredOption("--from <time>", "time of conversions, inclusive, ISO 8601 with a zone")
    .requiredOption("--reason <text>", "why, for the audit page")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nThe narrowest scope decides. Counted days are counted again.")
    .action((raw: unknown) => {
      const { json, days, from, ...options } = parseOptions(setOptions, raw);
      const change = {
        advertiser: options.advertiser,
        campaign: options.campaign,
        days: days === "inherit" ? null : parseDays(days),
        effectiveFromMs: parseInstant("from", from),
        reason: options.reason,
      };
      return run(json, async () => (await loadVerbs()).setWindow(context, change));
    });
}

function parseDays(text: string) {
  const found = WINDOW_DAYS.find((days) => String(days) === text);
  if (found !== undefined) return found;
  throw new UsageError(`--days must be ${WINDOW_DAYS.join(", ")}, or inherit: ${text}`);
}
