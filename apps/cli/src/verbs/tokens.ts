import { z } from "zod";
import { parseSpan } from "../terminal/parseSpan.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const mintOptions = jsonFlag.extend({
  campaign: z.string().min(1),
  ad: z.string().min(1),
  publisher: z.string().min(1),
  landing: z.string().min(1),
  issuer: z.string().min(1).default("operator"),
  impression: z.string().min(1).optional(),
  ttl: z.string().default("30d"),
  key: z.string().min(1).optional(),
});
const addOptions = jsonFlag.extend({ id: z.string().min(1).optional() });

const loadVerbs = () => import("../keys/tokenVerbs.ts");

export function addTokens({ program, context, run }: VerbHost): void {
  const tokens = group(program, "tokens", "click tokens and their keys");
  tokens
    .command("mint")
    .description("a click link: whoever follows it is counted and sent to the landing page")
    .requiredOption("--campaign <id>", "what is clicked on")
    .requiredOption("--ad <id>", "which ad of it")
    .requiredOption("--publisher <id>", "where it is shown")
    .requiredOption("--landing <url>", "where the click leads, http or https")
    .option("--issuer <id>", "source that its clicks are of (operator)")
    .option("--impression <id>", "the impression; its clicks count once (a new one)")
    .option("--ttl <time>", "how long it is good, such as 90s, 15m, 12h, 30d (30d)")
    .option("--key <id>", "key to sign with (the newest that every edge knows)")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const { json, ttl, ...options } = parseOptions(mintOptions, raw);
      return run(json, async () =>
        (await loadVerbs()).mint(context, { ...options, ttlS: parseSpan("ttl", ttl) }),
      );
    });
  const keys = group(tokens, "keys", "keys that tokens are signed with");
  keys
    .command("add")
    .description("a further key, beside those that are good already")
    .option("--id <id>", "its id (the day and something random)")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const { json, id } = parseOptions(addOptions, raw);
      return run(json, async () => (await loadVerbs()).addKey(context, id));
    });
  keys
    .command("list")
    .description("all keys, newest first")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const { json } = parseOptions(jsonFlag, raw);
      return run(json, async () => (await loadVerbs()).listKeys(context));
    });
  keys
    .command("retire")
    .description("take a key out of use: its tokens are good no more")
    .argument("<key-id>", "as `tokens keys list` shows it")
    .option(...JSON_OPTION)
    .action((id: string, raw: unknown) => {
      const { json } = parseOptions(jsonFlag, raw);
      return run(json, async () => (await loadVerbs()).retireKey(context, id));
    });
}
