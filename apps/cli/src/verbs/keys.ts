import type { Database } from "@trueclick/db/postgres/database";
import { ROLES } from "@trueclick/shared/access";
import { z } from "zod";
import { type CreatedKey, createApiKey, createSourceKey, revokeKey } from "../keys/createKeys.ts";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { VerbResult } from "../terminal/context.ts";
import { parseInstant } from "../terminal/parseInstant.ts";
import { group, JSON_OPTION, jsonFlag, parseOptions, type VerbHost } from "../terminal/verbs.ts";

const expiresOption = z.string().optional();
const sourceOptions = jsonFlag.extend({
  id: z.string().min(1),
  name: z.string().min(1).optional(),
  speaksForUsers: z.boolean().default(false),
  expires: expiresOption,
});
const apiOptions = jsonFlag.extend({
  name: z.string().min(1),
  role: z.enum(ROLES),
  advertiser: z.string().min(1).optional(),
  expires: expiresOption,
});

export function addKeys(host: VerbHost): void {
  const keys = group(host.program, "keys", "keys of the edge and of the REST API");
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
      const options = parseOptions(sourceOptions, raw);
      const { id, name = id, speaksForUsers } = options;
      const expiresAt = toExpiry(options.expires);
      return host.run(options.json, async () =>
        told(
          await onDatabase(host, (db) =>
            createSourceKey(db, { sourceId: id, name, speaksForUsers, expiresAt }),
          ),
        ),
      );
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
      const options = parseOptions(apiOptions, raw);
      const { name, role, advertiser: advertiserId } = options;
      const expiresAt = toExpiry(options.expires);
      return host.run(options.json, async () =>
        told(
          await onDatabase(host, (db) => createApiKey(db, { name, role, advertiserId, expiresAt })),
        ),
      );
    });
  keys
    .command("revoke")
    .description("make a key invalid, within seconds and for good")
    .argument("<key-id>", "the id that `keys create` told")
    .option(...JSON_OPTION)
    .action((id: string, raw: unknown) => {
      const { json } = parseOptions(jsonFlag, raw);
      return host.run(json, async () => {
        const kind = await onDatabase(host, (db) => revokeKey(db, id));
        return { text: `Revoked the ${kind} key ${id}`, json: { id, kind, revoked: true } };
      });
    });
}

async function onDatabase<Result>(
  { context }: VerbHost,
  use: (db: Database) => Promise<Result>,
): Promise<Result> {
  return withStores(await resolveStack(context), ({ db }) => use(db));
}

function told({ id, key }: CreatedKey): VerbResult {
  const text = `id   ${id}\nkey  ${key}\nThe key is not kept and cannot be told again.`;
  return { text, json: { id, key } };
}

function toExpiry(expires: string | undefined): Date | null {
  return expires === undefined ? null : new Date(parseInstant("expires", expires));
}
