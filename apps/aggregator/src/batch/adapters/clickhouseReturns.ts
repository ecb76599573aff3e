import type { ClickHouseClient } from "@clickhouse/client";
import { runQuery } from "@trueclick/db/clickhouse/reader";
import { heldParams } from "@trueclick/db/queries/heldRows";
import { addDays, daysBetween } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { campaignIdSchema } from "@trueclick/shared/ids";
import { z } from "zod";
import type { ReturnsWindow, VersionedDay } from "../domain/returns.ts";
import type { DayGaps, ReturnsEngine } from "../ports/returns.ts";
import { returnsSql } from "./returnsSql.ts";

/** Members of one count's hash table: some 100 MB of it, if all are different. */
const MEMBERS_MAX = 2_000_000;

const count = z.coerce.number().int().nonnegative();
const gapsRow = z.object({
  campaign: z.string(),
  day: count,
  gaps: z.array(z.tuple([count, count])),
});

/** Counts returns on the cube, one statement and one thread at a time: nobody waits for them. */
export function createClickHouseReturns(clickhouse: ClickHouseClient): ReturnsEngine {
  return {
    async count(advertiserId, window, days) {
      const clicks = days.reduce((sum, day) => sum + day.clicks, 0);
      const parts = Math.max(1, Math.ceil(clicks / MEMBERS_MAX));
      const found: DayGaps[] = [];
      for (let part = 0; part < parts; part += 1) {
        for (const byCampaign of [true, false]) {
          const asked = { advertiserId, window, days, byCampaign, part, parts };
          found.push(...(await countPart(clickhouse, asked)));
        }
      }
      return addUp(found);
    },
  };
}

interface AskedPart {
  readonly advertiserId: AdvertiserId;
  readonly window: ReturnsWindow;
  readonly days: readonly VersionedDay[];
  readonly byCampaign: boolean;
  readonly part: number;
  readonly parts: number;
}

async function countPart(
  clickhouse: ClickHouseClient,
  { advertiserId, window: { firstDay, stale }, days, byCampaign, part, parts }: AskedPart,
): Promise<DayGaps[]> {
  const staleDays = stale.map(({ day }) => day).sort();
  const [firstStale, lastDay] = [staleDays.at(0), staleDays.at(-1)];
  if (firstStale === undefined || lastDay === undefined) return [];
  const clicksOf = (isCounted: (day: string) => boolean) =>
    days.reduce((sum, { day, clicks }) => sum + (isCounted(day) ? clicks : 0), 0);
  const isMostly = 2 * clicksOf((day) => staleDays.includes(day)) > clicksOf(() => true);
  const held = heldParams(days);
  const rows = await runQuery(clickhouse, {
    name: byCampaign ? "batch.lineReturns" : "batch.returns",
    sql: returnsSql(held, byCampaign, isMostly),
    params: {
      ...{ advertiserId, firstDay, lastDay, part, parts, ...held },
      stale: staleDays.map((day) => daysBetween(firstDay, day).length - 1),
    },
    row: gapsRow,
    settings: { max_threads: 1 },
  });
  return rows.map(({ campaign, day, gaps }) => ({
    campaignId: byCampaign ? campaignIdSchema.parse(campaign) : null,
    day: addDays(firstDay, day),
    gaps,
  }));
}

/** Parts are of other users each. */
function addUp(parts: readonly DayGaps[]): DayGaps[] {
  const byKey = Map.groupBy(parts, ({ campaignId, day }) => JSON.stringify([campaignId, day]));
  return [...byKey.values()].flatMap((same) =>
    same.slice(0, 1).map((first) => ({ ...first, gaps: same.flatMap(({ gaps }) => gaps) })),
  );
}
