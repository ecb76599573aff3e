import { randomUUID } from "node:crypto";
import { resolveStack } from "../stack/settings.ts";
import type { CliContext, VerbResult } from "../terminal/context.ts";
import { formatTable } from "../terminal/table.ts";
import { onDatabase } from "./keyVerbs.ts";
import { addTokenKey, listTokenKeys, mintToken, retireTokenKey } from "./tokenKeys.ts";

export interface MintOptions {
  readonly issuer: string;
  readonly campaign: string;
  readonly ad: string;
  readonly publisher: string;
  readonly landing: string;
  readonly impression?: string | undefined;
  /** How long the token is good, seconds. */
  readonly ttlS: number;
  readonly key?: string | undefined;
}

export async function mint(context: CliContext, options: MintOptions): Promise<VerbResult> {
  const issuedAtS = Math.floor(Date.now() / 1_000);
  const claims = {
    ...{ issuer: options.issuer, campaignId: options.campaign, adId: options.ad },
    ...{ publisherId: options.publisher, landingUrl: options.landing },
    impressionId: options.impression ?? randomUUID(),
    ...{ issuedAtS, expiresAtS: issuedAtS + options.ttlS },
  };
  const { token, keyId } = await onDatabase(context, (db) => mintToken(db, claims, options.key));
  const { ingestUrl } = await resolveStack(context);
  const url = `${ingestUrl}/c/${token}`;
  const expiresAt = new Date(claims.expiresAtS * 1_000).toISOString();
  return {
    text: url,
    json: { token, url, key_id: keyId, impression_id: claims.impressionId, expires_at: expiresAt },
  };
}

export async function addKey(context: CliContext, id: string | undefined): Promise<VerbResult> {
  const added = await onDatabase(context, (db) => addTokenKey(db, id));
  return {
    text: `Key ${added.id}, secret (base64, told now and never again): ${added.secret}\n
Edges know it within 30 seconds; mint under it from then on.`,
    json: { id: added.id, secret: added.secret },
  };
}

export async function listKeys(context: CliContext): Promise<VerbResult> {
  const keys = await onDatabase(context, listTokenKeys);
  const rows = keys.map(({ id, createdAt, retiredAt }) => [
    ...[id, createdAt.toISOString(), retiredAt === null ? "" : retiredAt.toISOString()],
  ]);
  return {
    text: formatTable(["id", "created", "retired"], rows),
    json: {
      rows: keys.map(({ id, createdAt, retiredAt }) => {
        return { id, created_at: createdAt, retired_at: retiredAt };
      }),
    },
  };
}

export async function retireKey(context: CliContext, id: string): Promise<VerbResult> {
  await onDatabase(context, (db) => retireTokenKey(db, id));
  return {
    text: `Retired ${id}. Edges refuse its tokens within seconds.`,
    json: { id, retired: true },
  };
}
