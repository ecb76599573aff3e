import { z } from "zod";
import { parseScope } from "../fraud/domain/decisionScope.ts";
import { UsageError } from "../terminal/errors.ts";
import { parseInstant } from "../terminal/parseInstant.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const reason = z.string().min(1).max(500);
const addOptions = jsonFlag.extend({
  scope: z.array(z.string()),
  from: z.string(),
  to: z.string(),
  reason,
});
const revokeOptions = jsonFlag.extend({ reason });

/** Loaded when asked for: verbs that need no database should not wait for its driver. */
const loadVerbs = () => import("../fraud/fraudVerbs.ts");

export function addFraud({ program, context, run }: VerbHost): void {
  const fraud = group(program, "fraud", "decisions that clicks are invalid");
  fraud
    .command("add")
    .description("decide that the events of a scope and a time are invalid")
    .requiredOption(
      "--scope <word=value...>",
      "advertiser, campaign, ad, publisher, user, ip_net, event",
    )
    .requiredOption("--from <time>", "event time, inclusive, ISO 8601 with a zone")
    .requiredOption("--to <time>", "event time, exclusive")
    .requiredOption("--reason <text>", "why, for the audit page")
    .option(...JSON_OPTION)
    .addHelpText("after", "\nThe counted days that it may touch are counted again.")
    .action((raw: unknown) => {
      const options = parseOptions(addOptions, raw);
      const decision = {
        scope: toScope(options.scope),
        range: toRange(options.from, options.to),
        reason: options.reason,
      };
      return run(options.json, async () => (await loadVerbs()).addByHand(context, decision));
    });
  fraud
    .command("import")
    .description("add the decisions of a partner's CSV file, all or none")
    .argument("<file>", "columns of a scope, from, to, reason")
    .option(...JSON_OPTION)
    .action((file: string, raw: unknown) => {
      const { json } = parseOptions(jsonFlag, raw);
      return run(json, async () => (await loadVerbs()).importFile(context, file));
    });
  fraud
    .command("list")
    .description("list decisions, those that were revoked included")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const { json } = parseOptions(jsonFlag, raw);
      return run(json, async () => (await loadVerbs()).list(context));
    });
  fraud
    .command("revoke")
    .description("take a decision back")
    .argument("<id>", "the id that `fraud list` tells")
    .requiredOption("--reason <text>", "why, for the audit page")
    .option(...JSON_OPTION)
    .action((id: string, raw: unknown) => {
      const options = parseOptions(revokeOptions, raw);
      if (!/^\d{1,15}$/.test(id)) throw new UsageError(`${id} is no id of a decision`);
      return run(options.json, async () =>
        (await loadVerbs()).revoke(context, Number(id), options.reason),
      );
    });
}

function toScope(words: readonly string[]) {
  const parsed = parseScope(
    words.map((word) => {
      const at = word.indexOf("=");
      if (at < 1) throw new UsageError(`--scope takes word=value, not ${word}`);
      return [word.slice(0, at), word.slice(at + 1)] as const;
    }),
  );
  if ("wrong" in parsed) throw new UsageError(`--scope: ${parsed.wrong}`);
  return parsed.scope;
}

function toRange(from: string, to: string) {
  const range = { fromMs: parseInstant("from", from), toMs: parseInstant("to", to) };
  if (range.toMs <= range.fromMs) throw new UsageError("--to must come after --from");
  return range;
}
