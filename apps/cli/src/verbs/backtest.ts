import { isRuleId, RULE_IDS } from "@trueclick/shared/verdict/rules";
import { z } from "zod";
import { toParameters } from "../rules/toParameters.ts";
import { UsageError } from "../terminal/errors.ts";
import {
  dayOption,
  JSON_OPTION,
  jsonFlag,
  parseOptions,
  type VerbHost,
} from "../terminal/verbs.ts";

const optionsSchema = jsonFlag.extend({
  rule: z.string(),
  set: z.array(z.string()).default([]),
  off: z.boolean().default(false),
  from: dayOption,
  to: dayOption,
  advertiser: z.string().min(1).optional(),
});

export function addBacktest({ program, context, run }: VerbHost): void {
  program
    .command("backtest")
    .description("tell what a rule would have changed, before it is in force")
    .requiredOption("--rule <rule>", RULE_IDS.join(", "))
    .option("--set <name=value...>", "parameters; those not named stay")
    .option("--off", "as if the rule were switched off")
    .requiredOption("--from <day>", "first billing day, YYYY-MM-DD")
    .requiredOption("--to <day>", "last billing day")
    .option("--advertiser <id>", "of one advertiser (default: of all)")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nReads the archive and the current bills, and publishes nothing.")
    .action((raw: unknown) => {
      const { json, rule, set, off, ...days } = parseOptions(optionsSchema, raw);
      if (!isRuleId(rule))
        throw new UsageError(`no rule ${rule}: there are ${RULE_IDS.join(", ")}`);
      if (days.to < days.from) throw new UsageError("--to must not come before --from");
      const request = { id: rule, set: toParameters(set), enabled: !off, ...days };
      return run(json, async () => {
        const { runBacktest } = await import("../rules/backtestVerb.ts");
        return runBacktest(context, request);
      });
    });
}
