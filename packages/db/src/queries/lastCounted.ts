/** A campaign of which there is something to read. */
import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import { and, desc, eq } from "drizzle-orm";
import { truthLines, truthVersions } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";

/** Versions that are looked at, the newest: a day may have no line. */
const VERSIONS_MAX = 20;

export interface CountedCampaign {
  readonly advertiserId: AdvertiserId;
  readonly campaignId: CampaignId;
}

/** The campaign with the most clicks in the versions of truth that were published last; null without any. */
export async function lastCounted(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
): Promise<CountedCampaign | null> {
  const { advertiserId, billingDay, version, publishedAt } = truthVersions;
  const newest = db
    .select({ advertiserId, billingDay, version })
    .from(truthVersions)
    .where(tenantWhere(scope, advertiserId))
    .orderBy(desc(publishedAt))
    .limit(VERSIONS_MAX)
    .as("newest");
  const [found] = await db
    .select({ advertiserId: truthLines.advertiserId, campaignId: truthLines.campaignId })
    .from(truthLines)
    .innerJoin(
      newest,
      and(
        eq(newest.advertiserId, truthLines.advertiserId),
        eq(newest.billingDay, truthLines.billingDay),
        eq(newest.version, truthLines.version),
      ),
    )
    .where(tenantWhere(scope, truthLines.advertiserId))
    .orderBy(desc(truthLines.clicks))
    .limit(1);
  return found ?? null;
}
