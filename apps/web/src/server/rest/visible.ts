/** Whether ids that a caller names are there for it. */
import { countAdvertisers, namesOf } from "@trueclick/db/queries/advertisers";
import type { TenantScope } from "@trueclick/db/tenant";
import { narrowScope } from "@trueclick/db/tenant";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { notFound } from "./answer.ts";
import type { RestContext } from "./endpoint.ts";

/** @throws {RestError} 404 if any is unknown or another tenant's. Returns the scope of just them. */
export async function requireAdvertisers(
  { stores, caller }: RestContext,
  ids: readonly AdvertiserId[] | undefined,
): Promise<TenantScope> {
  if (ids === undefined) return caller.tenant;
  const wanted = [...new Set(ids)];
  const scope = narrowScope(caller.tenant, wanted);
  if ((await countAdvertisers(stores, scope)) < wanted.length) throw notFound("advertiser");
  return scope;
}

/** @throws {RestError} 404 if any is unknown or another tenant's. */
export async function requireCampaigns(
  { stores, caller }: RestContext,
  ids: readonly string[] | undefined,
): Promise<void> {
  if (ids === undefined) return;
  const { campaigns } = await namesOf(stores, caller.tenant, { campaignIds: ids, adIds: [] });
  if (ids.some((id) => !campaigns.has(id))) throw notFound("campaign");
}
