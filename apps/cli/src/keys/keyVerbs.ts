import type { Database } from "@trueclick/db/postgres/database";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { formatTable } from "../terminal/table.ts";
import {
  type CreatedKey,
  createApiKey,
  createSourceKey,
  type NewApiKey,
  type NewSourceKey,
  revokeKey,
} from "./createKeys.ts";
import { listKeys, rotateKey } from "./keyRegister.ts";

export async function createSource(context: CliContext, wanted: NewSourceKey): Promise<VerbResult> {
  return told(await onDatabase(context, (db) => createSourceKey(db, wanted)));
}

export async function createApi(context: CliContext, wanted: NewApiKey): Promise<VerbResult> {
  return told(await onDatabase(context, (db) => createApiKey(db, wanted)));
}

export async function revoke(context: CliContext, id: string): Promise<VerbResult> {
  const kind = await onDatabase(context, (db) => revokeKey(db, id));
  return { text: `Revoked the ${kind} key ${id}`, json: { id, kind, revoked: true } };
}

/** Opens the stack's stores for the time of `use`. */
export async function onDatabase<Result>(
  context: CliContext,
  use: (db: Database) => Promise<Result>,
): Promise<Result> {
  return withStores(await resolveStack(context), ({ db }) => use(db));
}

export async function rotate(context: CliContext, id: string, graceS: number): Promise<VerbResult> {
  const rotated = await onDatabase(context, (db) => rotateKey(db, id, graceS));
  const { oldExpiresAt, ...created } = rotated;
  const { text, json } = told(created);
  const until = oldExpiresAt.toISOString();
  return {
    text: `${text}\nThe key ${id} is good until ${until}.`,
    json: { ...json, replaces: id, old_expires_at: until },
  };
}

export async function list(context: CliContext): Promise<VerbResult> {
  const keys = await onDatabase(context, listKeys);
  const rows = keys.map((key) => [
    ...[key.id, key.kind, key.of, key.traits.join(" "), key.state],
    key.expiresAt === null ? "" : key.expiresAt.toISOString(),
  ]);
  return {
    text: formatTable(["id", "kind", "of", "may", "state", "expires"], rows),
    json: {
      rows: keys.map(({ expiresAt, createdAt, replacedBy, ...key }) => ({
        ...key,
        ...{ created_at: createdAt, expires_at: expiresAt, replaced_by: replacedBy },
      })),
    },
  };
}

function told({ id, key, signingSecret }: CreatedKey) {
  const lines = [`id   ${id}`, `key  ${key}`];
  if (signingSecret !== null) lines.push(`signing secret  ${signingSecret}`);
  const text = [...lines, "What is secret is told now and cannot be told again."].join("\n");
  const json = { id, key, ...(signingSecret === null ? {} : { signing_secret: signingSecret }) };
  return { text, json };
}
