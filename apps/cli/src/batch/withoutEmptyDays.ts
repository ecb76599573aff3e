/** Leaves out days on which an advertiser had nothing to count, however much others had. */
import { runQuery } from "@trueclick/db/clickhouse/reader";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import { campaigns } from "@trueclick/db/postgres/schema/campaigns";
import { truthCurrent } from "@trueclick/db/postgres/schema/truth";
import type { TruthPartition } from "@trueclick/db/queries/jobs";
import type { Stores } from "@trueclick/db/stores";
import { dayBounds } from "@trueclick/shared/calendar";
import { DAY_MS, HOUR_MS } from "@trueclick/shared/time";
import { eq } from "drizzle-orm";
import { z } from "zod";

/** The row index forgets events after 126 days; this much is surely there. */
const INDEXED_FOR_MS = 120 * DAY_MS;

/**
 * The partitions without those that were never counted and have no event in the archive. The archive
 * holds the events of all advertisers together, so each of its days is news to a new one.
 *
 * The row index is written before the manifest: what it lacks, the archive lacks. A day that was
 * counted before is kept, and so is one that is older than the index.
 */
export async function withoutEmptyDays(
  stores: Stores,
  partitions: readonly TruthPartition[],
): Promise<TruthPartition[]> {
  const counted = new Set((await currentPartitions(stores)).map(keyOf));
  const unknown = partitions.filter((partition) => !counted.has(keyOf(partition)));
  if (unknown.length === 0) return [...partitions];

  const owners = await campaignOwners(stores);
  const zones = new Map(owners.map(({ advertiserId, timeZone }) => [advertiserId, timeZone]));
  const hours = await archivedHours(stores, owners);
  const hasEvents = (partition: TruthPartition) => {
    const timeZone = zones.get(partition.advertiserId);
    if (timeZone === undefined) return false;
    const { fromMs, toMs } = dayBounds(partition.billingDay, timeZone);
    if (fromMs < Date.now() - INDEXED_FOR_MS) return true;
    // An hour that lies in the day only in part may hold the events of its neighbour; then the day
    // is counted, and is empty.
    const touched = hours.get(partition.advertiserId) ?? [];
    return touched.some((hourMs) => hourMs + HOUR_MS > fromMs && hourMs < toMs);
  };
  return partitions.filter((partition) => counted.has(keyOf(partition)) || hasEvents(partition));
}

const keyOf = ({ advertiserId, billingDay }: TruthPartition) => `${billingDay}/${advertiserId}`;

function currentPartitions({ db }: Stores): Promise<TruthPartition[]> {
  const { advertiserId, billingDay } = truthCurrent;
  return db.select({ advertiserId, billingDay }).from(truthCurrent);
}

function campaignOwners({ db }: Stores) {
  return db
    .select({
      campaignId: campaigns.id,
      advertiserId: advertisers.id,
      timeZone: advertisers.timeZone,
    })
    .from(campaigns)
    .innerJoin(advertisers, eq(advertisers.id, campaigns.advertiserId));
}

const rowSchema = z.object({ campaign_id: z.string(), hour: z.coerce.number().int() });

/** The hours of which the archive holds events, by advertiser; starts in epoch milliseconds. */
async function archivedHours(
  { clickhouse }: Stores,
  owners: Awaited<ReturnType<typeof campaignOwners>>,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const rows = await runQuery(clickhouse, {
    name: "archivedHoursByCampaign",
    params: { since: Math.floor((Date.now() - INDEXED_FOR_MS - DAY_MS) / 1_000) },
    row: rowSchema,
    sql: `
      SELECT campaign_id, toUnixTimestamp(event_hour) AS hour
      FROM event_index
      WHERE event_hour >= fromUnixTimestamp({since: UInt32})
      GROUP BY campaign_id, event_hour
    `,
  });
  const ownerOf = new Map<string, string>(
    owners.map(({ campaignId, advertiserId }) => [campaignId, advertiserId]),
  );
  const hours = new Map<string, number[]>();
  for (const { campaign_id, hour } of rows) {
    const owner = ownerOf.get(campaign_id);
    if (owner === undefined) continue;
    const known = hours.get(owner) ?? [];
    known.push(hour * 1_000);
    hours.set(owner, known);
  }
  return hours;
}
