import { z } from "zod";
import { parseInstant } from "../terminal/parseInstant.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const LIMIT_DEFAULT = 100;
const ITEMS_MAX = 1_000;

const filterOptions = jsonFlag.extend({
  source: z.string().min(1).optional(),
  code: z.string().min(1).optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(ITEMS_MAX).default(LIMIT_DEFAULT),
});
const replayOptions = filterOptions.extend({
  id: z.array(z.string()).default([]),
  dryRun: z.boolean().default(false),
});

export function addQuarantine({ program, context, run }: VerbHost): void {
  const quarantine = group(program, "quarantine", "what the edge refused, with its bytes");
  const addFilters = (name: string, description: string) =>
    quarantine
      .command(name)
      .description(description)
      .option("--source <id>", "only of this source")
      .option("--code <code>", "only for this reason, such as bad_json")
      .option("--from <time>", "received from then on, ISO 8601 with a zone")
      .option("--to <time>", "received before")
      .option("--limit <items>", `at most so many, the newest (${LIMIT_DEFAULT})`)
      .option(...JSON_OPTION);
  addFilters("list", "what is there, newest first, and how much was not kept").action(
    (raw: unknown) => {
      const { json, limit, ...options } = parseOptions(filterOptions, raw);
      return run(json, async () => {
        const { listItems } = await import("../quarantine/listVerb.ts");
        return listItems(context, toFilter(options), limit);
      });
    },
  );
  addFilters("replay", "let the edge judge items again, as at the time they came")
    .option("--id <ids...>", "only these, such as 0:17")
    .option("--dry-run", "only say what would come of it")
    .action((raw: unknown) => {
      const { json, limit, id, dryRun, ...options } = parseOptions(replayOptions, raw);
      return run(json, async () => {
        const { replayItems } = await import("../quarantine/replayVerb.ts");
        const filter = toFilter(options);
        return replayItems(context, { ids: id, filter, limit, isDryRun: dryRun });
      });
    });
}

interface FilterTexts {
  readonly source?: string | undefined;
  readonly code?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

function toFilter({ source, code, from, to }: FilterTexts) {
  return {
    sourceId: source,
    code,
    fromMs: from === undefined ? undefined : parseInstant("from", from),
    toMs: to === undefined ? undefined : parseInstant("to", to),
  };
}
