import type { InstantRange } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { DAY_MS, HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { runQuery } from "../clickhouse/reader.ts";
import { campaigns } from "../postgres/schema/campaigns.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";

/** The row index forgets events after 126 days; this much is surely there. */
const INDEXED_FOR_MS = 120 * DAY_MS;

/** In which hours the archive has events of which campaigns. */
export interface CampaignHours {
  /**
   * Whether the archive has events of an advertiser's campaigns, or of some of them, in the hours
   * that a day touches. `unknown` for a day that is older than the row index.
   */
  hasEvents(
    advertiserId: AdvertiserId,
    day: InstantRange,
    campaignIds: readonly string[] | null,
  ): "yes" | "no" | "unknown";
}

const rowSchema = z.object({ campaign_id: z.string(), hour: z.coerce.number().int() });

/**
 * Asks the row index, which is written before the manifest: what it lacks, the archive lacks.
 *
 * Reads the campaign and the hour of every row of the last 120 days.
 */
export async function campaignHours(
  { db, clickhouse }: Stores,
  scope: TenantScope,
  nowMs: number,
): Promise<CampaignHours> {
  const sinceMs = nowMs - INDEXED_FOR_MS;
  const owned = await db
    .select({ id: campaigns.id, advertiserId: campaigns.advertiserId })
    .from(campaigns)
    .where(tenantWhere(scope, campaigns.advertiserId));
  const rows = await runQuery(clickhouse, {
    name: "campaignHours",
    params: { since: Math.floor((sinceMs - DAY_MS) / SECOND_MS) },
    row: rowSchema,
    sql: `
      SELECT campaign_id, toUnixTimestamp(event_hour) AS hour
      FROM event_index
      WHERE event_hour >= fromUnixTimestamp({since: UInt32})
      GROUP BY campaign_id, event_hour
    `,
  });
  const hours = Map.groupBy(rows, (row) => row.campaign_id);
  const campaignsOf = Map.groupBy(owned, (campaign) => campaign.advertiserId);
  const touches = (campaignId: string, { fromMs, toMs }: InstantRange) =>
    (hours.get(campaignId) ?? []).some(({ hour }) => {
      return hour * SECOND_MS + HOUR_MS > fromMs && hour * SECOND_MS < toMs;
    });
  return {
    hasEvents(advertiserId, day, campaignIds) {
      if (day.fromMs < sinceMs) return "unknown";
      const own = campaignsOf.get(advertiserId)?.map(({ id }) => id) ?? [];
      const asked = campaignIds === null ? own : own.filter((id) => campaignIds.includes(id));
      return asked.some((id) => touches(id, day)) ? "yes" : "no";
    },
  };
}
