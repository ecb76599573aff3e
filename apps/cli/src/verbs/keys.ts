import { ROLES } from "@trueclick/shared/access";
import { z } from "zod";
import { parseInstant } from "../terminal/parseInstant.ts";
import { parseSpan } from "../terminal/parseSpan.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const expires = z.string().optional();
/** As browsers write it: `https://shop.example`, without a path. */
const origin = z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text, {
  error: "must be an origin such as https://shop.example, or *",
});
const sourceOptions = jsonFlag.extend({
  id: z.string().min(1),
  name: z.string().min(1).optional(),
  speaksForUsers: z.boolean().default(false),
  requireToken: z.boolean().default(false),
  requireSignature: z.boolean().default(false),
  signing: z.boolean().default(false),
  origin: z.array(z.union([z.literal("*"), origin])).optional(),
  eventsPerSecond: z.coerce.number().int().min(1).optional(),
  expires,
});
const rotateOptions = jsonFlag.extend({ grace: z.string().default("24h") });
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
    .option("--require-token", "of a new source: its clicks need a good click token")
    .option("--signing", "the key signs requests too (HMAC)")
    .option("--require-signature", "of a new source: it must sign, bearing a key is not enough")
    .option("--origin <origins...>", "of a new source: pages that may send by it in a browser")
    .option("--events-per-second <number>", "of a new source: most it may send, on average")
    .option("--expires <time>", "not valid from then on, ISO 8601 with a zone")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const { json, id, name = id, expires: end, ...options } = parseOptions(sourceOptions, raw);
      const wanted = {
        ...{ sourceId: id, name, speaksForUsers: options.speaksForUsers },
        ...{ requireToken: options.requireToken, requireSignature: options.requireSignature },
        allowedOrigins: options.origin ?? null,
        eventsPerSecond: options.eventsPerSecond ?? null,
        ...{ signs: options.signing, expiresAt: toExpiry(end) },
      };
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
    .command("list")
    .description("all keys, without what is secret")
    .option(...JSON_OPTION)
    .action((raw: unknown) => {
      const { json } = parseOptions(jsonFlag, raw);
      return run(json, async () => (await loadVerbs()).list(context));
    });
  keys
    .command("rotate")
    .description("make a key in another's place; both are good for a while")
    .argument("<key-id>", "the id that `keys list` shows")
    .option("--grace <time>", "how long the old one is still good (24h)")
    .option(...JSON_OPTION)
    .action((id: string, raw: unknown) => {
      const { json, grace } = parseOptions(rotateOptions, raw);
      return run(json, async () =>
        (await loadVerbs()).rotate(context, id, parseSpan("grace", grace)),
      );
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
