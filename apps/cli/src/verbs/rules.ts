import { isRuleId, RULE_IDS } from "@trueclick/shared/verdict/rules";
import { z } from "zod";
import { toParameters } from "../rules/toParameters.ts";
import { UsageError } from "../terminal/errors.ts";
import { parseInstant } from "../terminal/parseInstant.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const setOptions = jsonFlag.extend({
  set: z.array(z.string()).default([]),
  off: z.boolean().default(false),
  from: z.string(),
  reason: z.string().min(1).max(500),
});

/** Loaded when asked for: verbs that need no database should not wait for its driver. */
const loadVerbs = () => import("../rules/ruleVerbs.ts");

export function addRules({ program, context, run }: VerbHost): void {
  const rules = group(program, "rules", "the rules that billing judges by");
  rules
    .command("list")
    .description("list every version of every rule")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const { json } = parseOptions(jsonFlag, raw);
      return run(json, async () => (await loadVerbs()).listRules(context));
    });
  rules
    .command("set")
    .description("give a rule other parameters from an instant of event time on")
    .argument("<rule>", RULE_IDS.join(", "))
    .option("--set <name=value...>", "parameters; those not named stay")
    .option("--off", "switch the rule off")
    .requiredOption("--from <time>", "event time, inclusive, ISO 8601 with a zone")
    .requiredOption("--reason <text>", "why, for the audit page")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      "\nThe open days that it judges are counted again; closed ones stay as they are.",
    )
    .action((rule: string, raw: unknown) => {
      const options = parseOptions(setOptions, raw);
      if (!isRuleId(rule))
        throw new UsageError(`no rule ${rule}: there are ${RULE_IDS.join(", ")}`);
      const change = {
        id: rule,
        set: toParameters(options.set),
        enabled: !options.off,
        effectiveFromMs: parseInstant("from", options.from),
        reason: options.reason,
      };
      return run(options.json, async () => (await loadVerbs()).setRule(context, change));
    });
}
