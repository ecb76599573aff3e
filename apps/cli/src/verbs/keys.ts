import { ROLES } from "@trueclick/shared/access";
import { z } from "zod";
import { parseInstant } from "../terminal/parseInstant.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const expires = z.string().optional();
const sourceOptions = jsonFlag.extend({
  id: z.string().min(1),
  name: z.string().min(1).optional(),
  speaksForUsers: z.boolean().default(false),
  expires,
});
const apiOptions = jsonFlag.extend({
  name: z.string().min(1),
  role: z.enum(ROLES),
  advertiser: z.string().min(1).optional(),
  expires,
});

/** Loaded when asked for: verbs that need no database should not wait for its driver. */
const loadVerbs = () => import("../keys/keyVerbs.ts");

export function addKeys({ program, context, run }: VerbHost): void {
  const keys = group(program, "keys", "keys of the edge and of the REST API");
  const create = keys.command("create").description("make a key; it is told once");
  create
    .command("source")
    .description("a key to send events with")
    .requiredOption("--id <id>", "id of the source; made if it is not there")
    .option("--name <text>", "name of a new source (default: its id)")
    .option("--speaks-for-users", "a server of yours: believed on ip and user_agent")
    .option("--expires <time>", "not valid from then on, ISO 8601 with a zone")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const { json, id, name = id, speaksForUsers, ...options } = parseOptions(sourceOptions, raw);
      const wanted = { sourceId: id, name, speaksForUsers, expiresAt: toExpiry(options.expires) };
      return run(json, async () => (await loadVerbs()).createSource(context, wanted));
    });
  create
    .command("api")
    .description("a key to the REST API")
    .requiredOption("--name <text>", "what it is for")
    .requiredOption("--role <role>", ROLES.join(", "))
    .option("--advertiser <id>", "whose numbers it sees, for the role advertiser")
    .option("--expires <time>", "not valid from then on, ISO 8601 with a zone")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const { json, name, role, advertiser, ...options } = parseOptions(apiOptions, raw);
      const expiresAt = toExpiry(options.expires);
      const wanted = { name, role, advertiserId: advertiser, expiresAt };
      return run(json, async () => (await loadVerbs()).createApi(context, wanted));
    });
  keys
    .command("revoke")
    .description("make a key invalid, within seconds and for good")
    .argument("<key-id>", "the id that `keys create` told")
    .option(...JSON_OPTION)
    .action((id: string, raw: unknown) => {
      const { json } = parseOptions(jsonFlag, raw);
      return run(json, async () => (await loadVerbs()).revoke(context, id));
    });
}

function toExpiry(text: string | undefined): Date | null {
  return text === undefined ? null : new Date(parseInstant("expires", text));
}
