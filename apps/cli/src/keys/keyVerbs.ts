import type { Database } from "@trueclick/db/postgres/database";
import { withStores } from "../stack/openStores.ts";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import {
  type CreatedKey,
  createApiKey,
  createSourceKey,
  type NewApiKey,
  type NewSourceKey,
  revokeKey,
} from "./createKeys.ts";

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

async function onDatabase<Result>(
  context: CliContext,
  use: (db: Database) => Promise<Result>,
): Promise<Result> {
  return withStores(await resolveStack(context), ({ db }) => use(db));
}

function told({ id, key }: CreatedKey): VerbResult {
  const text = `id   ${id}\nkey  ${key}\nThe key is not kept and cannot be told again.`;
  return { text, json: { id, key } };
}
