import { hoursTouched, type InstantRange } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { DAY_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { runQuery } from "../clickhouse/reader.ts";
import { campaigns } from "../postgres/schema/campaigns.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";

/** The row index forgets events after 126 days; this much is surely there. */
export const INDEXED_FOR_MS = 120 * DAY_MS;

/** In which hours the archive has events of which campaigns. */
export interface CampaignHours {
  /** Starts of the event hours that the index has any event of, whosever it is; epoch milliseconds. */
  readonly indexed: ReadonlySet<number>;
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
 *
 * @param fromMs No day is asked about that begins before.
 */
export async function campaignHours(
  { db, clickhouse }: Stores,
  scope: TenantScope,
  nowMs: number,
  fromMs = 0,
): Promise<CampaignHours> {
  const sinceMs = Math.max(nowMs - INDEXED_FOR_MS, fromMs);
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
  const hoursOf = new Map<string, Set<number>>();
  for (const { campaign_id: campaignId, hour } of rows) {
    const hours = hoursOf.get(campaignId) ?? new Set();
    hoursOf.set(campaignId, hours.add(hour * SECOND_MS));
  }
  const campaignsOf = Map.groupBy(owned, (campaign) => campaign.advertiserId);
  return {
    indexed: new Set(rows.map(({ hour }) => hour * SECOND_MS)),
    hasEvents(advertiserId, day, campaignIds) {
      if (day.fromMs < sinceMs) return "unknown";
      const own = campaignsOf.get(advertiserId)?.map(({ id }) => id) ?? [];
      const asked = campaignIds === null ? own : own.filter((id) => campaignIds.includes(id));
      const touched = hoursTouched(day);
      return asked.some((id) => touched.some((hour) => hoursOf.get(id)?.has(hour))) ? "yes" : "no";
    },
  };
}
