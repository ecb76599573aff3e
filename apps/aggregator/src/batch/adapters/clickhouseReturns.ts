import type { ClickHouseClient } from "@clickhouse/client";
import { runQuery } from "@trueclick/db/clickhouse/reader";
import { heldParams } from "@trueclick/db/queries/heldRows";
import { TRUTH_MEASURE_PARAMS } from "@trueclick/db/queries/truthMeasures";
import { addDays, daysBetween } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { campaignIdSchema } from "@trueclick/shared/ids";
import { z } from "zod";
import type { ReturnsWindow, VersionedDay } from "../domain/returns.ts";
import type { DayGaps, ReturnsEngine } from "../ports/returns.ts";
import { returnsSql } from "./returnsSql.ts";
import { slicesSql } from "./slicesSql.ts";

/** Members of one count's hash table: some 100 MB of it, if all are different. */
const MEMBERS_MAX = 2_000_000;
/** What slices are counted by beyond it is on disk meanwhile. */
const BYTES_IN_MEMORY_MAX = "268435456";

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

    async writeSlices(advertiserId, window, days, slicesIds) {
      const { held, isMostly, params } = askedOf(advertiserId, window, days);
      await clickhouse.command({
        query: slicesSql(held, isMostly),
        query_params: {
          ...{ ...params, ...TRUTH_MEASURE_PARAMS, part: 0, parts: 1 },
          slicesIds: params.stale.map((at) => slicesIds.get(addDays(window.firstDay, at)) ?? 0),
        },
        clickhouse_settings: {
          ...{ max_threads: 1, log_comment: "batch.daySlices" },
          max_bytes_before_external_group_by: BYTES_IN_MEMORY_MAX,
        },
      });
    },

    async removeSlices(left) {
      await clickhouse.command({
        query: `DELETE FROM truth_slices
          WHERE advertiser_id IN ({advertisers: Array(String)})
            AND billing_day IN ({days: Array(Date)}) AND slices_id IN ({slices: Array(UInt64)})`,
        query_params: {
          advertisers: [...new Set(left.map(({ advertiserId }) => advertiserId))],
          days: [...new Set(left.map(({ day }) => day))],
          slices: left.map(({ slicesId }) => slicesId),
        },
        clickhouse_settings: { log_comment: "batch.sweep.truth_slices" },
      });
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
  { advertiserId, window, days, byCampaign, part, parts }: AskedPart,
): Promise<DayGaps[]> {
  const { held, isMostly, params } = askedOf(advertiserId, window, days);
  const rows = await runQuery(clickhouse, {
    name: byCampaign ? "batch.lineReturns" : "batch.returns",
    sql: returnsSql(held, byCampaign, isMostly),
    params: { ...params, part, parts },
    row: gapsRow,
    settings: { max_threads: 1 },
  });
  return rows.map(({ campaign, day, gaps }) => ({
    campaignId: byCampaign ? campaignIdSchema.parse(campaign) : null,
    day: addDays(window.firstDay, day),
    gaps,
  }));
}

/** What every statement is told of a window, and whether most of it is asked for. */
function askedOf(
  advertiserId: AdvertiserId,
  { firstDay, stale }: ReturnsWindow,
  days: readonly VersionedDay[],
) {
  const staleDays = stale.map(({ day }) => day).sort();
  const lastDay = staleDays.at(-1) ?? firstDay;
  const clicksOf = (isCounted: (day: string) => boolean) =>
    days.reduce((sum, { day, clicks }) => sum + (isCounted(day) ? clicks : 0), 0);
  const held = heldParams(days);
  return {
    held,
    isMostly: 2 * clicksOf((day) => staleDays.includes(day)) > clicksOf(() => true),
    params: {
      ...{ advertiserId, firstDay, lastDay, ...held },
      stale: staleDays.map((day) => daysBetween(firstDay, day).length - 1),
    },
  };
}

/** Parts are of other users each. */
function addUp(parts: readonly DayGaps[]): DayGaps[] {
  const byKey = Map.groupBy(parts, ({ campaignId, day }) => JSON.stringify([campaignId, day]));
  return [...byKey.values()].flatMap((same) =>
    same.slice(0, 1).map((first) => ({ ...first, gaps: same.flatMap(({ gaps }) => gaps) })),
  );
}
