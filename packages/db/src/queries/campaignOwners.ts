import { type AdvertiserId, advertiserIdSchema } from "@trueclick/shared/ids";
import { sql } from "drizzle-orm";
import { preparedOnce } from "../postgres/prepared.ts";
import { campaigns } from "../postgres/schema/campaigns.ts";
import type { Stores } from "../stores.ts";
import { narrowScope, type TenantScope } from "../tenant.ts";

/**
 * The part of a scope that campaigns may have rows in: their advertisers alone. Every table is sorted by
 * advertiser first, so of nobody else is anything looked at; unknown campaigns have rows of nobody.
 */
export async function scopeOfCampaigns(
  stores: Pick<Stores, "db" | "memo">,
  scope: TenantScope,
  campaignIds: readonly string[],
): Promise<TenantScope> {
  if (scope.kind === "advertisers" && scope.ids.length <= 1) return scope;
  return narrowScope(scope, await ownersOf(stores, campaignIds));
}

const statementOf = preparedOnce((db, _kind: "owners") =>
  db
    .select({ id: campaigns.id, advertiserId: campaigns.advertiserId })
    .from(campaigns)
    .where(sql`${campaigns.id} = any(${sql.placeholder("campaignIds")}::text[])`)
    .prepare("campaign_owners"),
);

/** A campaign's advertiser never changes, so who it is is asked once, as long as it is remembered. */
async function ownersOf(
  { db, memo }: Pick<Stores, "db" | "memo">,
  campaignIds: readonly string[],
): Promise<AdvertiserId[]> {
  const questionOf = (campaignId: string) => ["campaignOwner", campaignId];
  const owners = new Set<AdvertiserId>();
  const unknown: string[] = [];
  for (const campaignId of new Set(campaignIds)) {
    const known = memo?.known(questionOf(campaignId));
    if (known === undefined) unknown.push(campaignId);
    else owners.add(advertiserIdSchema.parse(known));
  }
  if (unknown.length === 0) return [...owners];
  const found = await statementOf(db, "owners").execute({ campaignIds: unknown });
  for (const { id, advertiserId } of found) {
    memo?.keep(questionOf(id), advertiserId);
    owners.add(advertiserId);
  }
  return [...owners];
}
