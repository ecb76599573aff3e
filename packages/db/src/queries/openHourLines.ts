/** Reads the hours that no line tells yet, of all tenants at once, as far as that is cheap. */
import type { ClickHouseSettings } from "@clickhouse/client";
import { SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { runTenantQuery } from "../clickhouse/tenantReader.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION, type TenantScope } from "../tenant.ts";
import type { OpenLine, OpenLines } from "./openHours.ts";

/** What is told of it is cut to whoever asks by `openLinesOf`. */
const EVERYBODY: TenantScope = { kind: "all" };

const count = z.coerce.number().int().nonnegative();
const place = {
  hour: z.coerce.number().int(),
  advertiser: z.string(),
  campaign: z.string(),
};
const cellsRow = z.object({
  ...place,
  ...{ clicks: count, invalidClicks: count, duplicateClicks: count, impressions: count },
  ...{ conversions: count, costMicros: z.coerce.number().int() },
  ...{ givtClicks: z.coerce.number().int(), lastMinute: count },
});
const usersRow = z.object({
  ...place,
  ofCampaign: z.coerce.number().transform((flag) => flag === 1),
  users: count,
});

const PLACE = "advertiser_id AS advertiser, campaign_id AS campaign";

const CELLS_SQL = `
  SELECT toInt64(toUnixTimestamp(toStartOfHour(window_start))) AS hour, ${PLACE},
    sum(hot.clicks) AS clicks, sum(hot.invalid_clicks) AS invalidClicks,
    sum(hot.duplicate_clicks) AS duplicateClicks, sum(hot.impressions) AS impressions,
    sum(hot.conversions) AS conversions, sum(hot.cost_micros) AS costMicros,
    if(min(hot.givt_clicks) < 0, -1, sum(hot.givt_clicks)) AS givtClicks,
    max(toUnixTimestamp(window_start)) AS lastMinute
  FROM hot_minutes AS hot FINAL
  WHERE ${TENANT_CONDITION}
    AND cube = 'ad'
    AND window_start >= fromUnixTimestamp({from: Int64})
  GROUP BY hour, advertiser, campaign`;

const USERS_SQL = `
  SELECT toInt64(toUnixTimestamp(event_hour)) AS hour, ${PLACE},
    1 - grouping(campaign_id) AS ofCampaign, uniqCombined64Merge(hot.users) AS users
  FROM hot_users AS hot
  WHERE ${TENANT_CONDITION}
    AND event_hour >= fromUnixTimestamp({from: Int64})
  GROUP BY GROUPING SETS ((event_hour, advertiser_id, campaign_id), (event_hour, advertiser_id))`;

/** The engine refuses what is more before it has read it, or soon after. */
export const OPEN_HOURS_BOUNDS: ClickHouseSettings = {
  max_rows_to_read: "400000",
  max_bytes_to_read: "67108864",
  max_result_rows: "10000",
  max_execution_time: 1,
};

/**
 * Everything from an instant on, as it is now.
 *
 * @param fromMs Start of a UTC hour, epoch milliseconds.
 * @throws whatever the engine says: that it is more than `bounds` too.
 */
export async function readOpenLines(
  { clickhouse }: Pick<Stores, "clickhouse">,
  fromMs: number,
  bounds: ClickHouseSettings = OPEN_HOURS_BOUNDS,
): Promise<OpenLines> {
  const query = { name: "openHours", params: { from: fromMs / SECOND_MS }, settings: bounds };
  const [cells, users] = await Promise.all([
    runTenantQuery(clickhouse, EVERYBODY, { ...query, sql: CELLS_SQL, row: cellsRow }),
    runTenantQuery(clickhouse, EVERYBODY, { ...query, sql: USERS_SQL, row: usersRow }),
  ]);
  const usersOf = new Map(users.map((row) => [keyOf(row), row.users]));
  const lines = new Map<string, OpenLine[]>();
  const totals = new Map<string, Cells>();
  for (const { advertiser, ...cell } of cells) {
    const campaign = { ...cell, ofCampaign: true };
    const uniqueUsers = usersOf.get(keyOf({ ...campaign, advertiser })) ?? null;
    const own = lines.get(advertiser) ?? [];
    lines.set(advertiser, own);
    own.push({ ...campaign, uniqueUsers });
    const key = keyOf({ ...cell, advertiser, ofCampaign: false });
    totals.set(key, addUp(totals.get(key), { ...cell, advertiser }));
  }
  for (const [key, { advertiser, ...total }] of totals) {
    const uniqueUsers = usersOf.get(key) ?? null;
    lines.get(advertiser)?.push({ ...total, campaign: "", ofCampaign: false, uniqueUsers });
  }
  return lines;
}

type Cells = z.infer<typeof cellsRow>;

function addUp(before: Cells | undefined, one: Cells): Cells {
  if (before === undefined) return one;
  const knowsGivt = before.givtClicks >= 0 && one.givtClicks >= 0;
  return {
    ...before,
    clicks: before.clicks + one.clicks,
    invalidClicks: before.invalidClicks + one.invalidClicks,
    givtClicks: knowsGivt ? before.givtClicks + one.givtClicks : -1,
    duplicateClicks: before.duplicateClicks + one.duplicateClicks,
    impressions: before.impressions + one.impressions,
    conversions: before.conversions + one.conversions,
    costMicros: before.costMicros + one.costMicros,
    lastMinute: Math.max(before.lastMinute, one.lastMinute),
  };
}

interface Place {
  readonly hour: number;
  readonly advertiser: string;
  readonly campaign: string;
  readonly ofCampaign: boolean;
}

const keyOf = ({ hour, advertiser, campaign, ofCampaign }: Place) =>
  JSON.stringify(ofCampaign ? [hour, advertiser, campaign] : [hour, advertiser]);
