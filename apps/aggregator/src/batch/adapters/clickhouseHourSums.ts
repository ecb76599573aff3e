import type { ClickHouseClient, ClickHouseSettings } from "@clickhouse/client";
import { SECOND_MS } from "@trueclick/shared/time";
import { DUPLICATE_VERDICTS, NOT_GROSS_VERDICTS, NOT_NET_VERDICTS } from "../domain/truth.ts";
import type { Build } from "../ports/truthEngine.ts";
import { buildParams, OWN_ROWS } from "./heldBuild.ts";

/** Reads back the own rows of some hours, and writes what they add up to. */
export async function addUpHours(
  clickhouse: ClickHouseClient,
  build: Build,
  hoursMs: readonly number[],
  settings: ClickHouseSettings,
): Promise<void> {
  await clickhouse.command({
    query: ADD_UP,
    query_params: {
      ...buildParams(build),
      hours: hoursMs.map((hourMs) => hourMs / SECOND_MS),
      notGross: NOT_GROSS_VERDICTS,
      notNet: NOT_NET_VERDICTS,
      duplicates: DUPLICATE_VERDICTS,
    },
    clickhouse_settings: { ...settings, log_comment: "batch.hours" },
  });
}

const OF_HOURS = `${OWN_ROWS} AND has({hours: Array(UInt32)}, toUnixTimestamp(event_hour))`;

// Each row has its own coordinates, so no two of these are equal; their sum modulo 2^128 hashes a set
// of any size without sorting it.
const REJECT_HASH = `reinterpretAsUInt128(
            sipHash128(campaign_id, event_hour, partition, offset, \`index\`, verdict))`;

const ADD_UP = `
  INSERT INTO truth_hours (advertiser_id, billing_day, build_id, campaign_id, event_hour, clicks,
    gross_clicks, net_clicks, duplicate_clicks, impressions, conversions, cost_micros, user_members,
    events_by_verdict, clicks_by_verdict, cells_sha256, rejects, rejects_digest)
  WITH
    counts AS (
      SELECT campaign_id, event_hour, toString(cell.event_type) AS type,
        toString(cell.verdict) AS told, sum(cell.events) AS events,
        sum(cell.cost_micros) AS micros, sum(length(user_hashes)) AS members
      FROM truth_cube AS cell
      WHERE ${OF_HOURS}
      GROUP BY campaign_id, event_hour, type, told
    ),
    hashes AS (
      SELECT campaign_id, event_hour,
        SHA256(arrayStringConcat(arraySort(groupArray(text)), '\\n')) AS cells
      FROM (
        SELECT campaign_id, event_hour,
          toString((ad_id, publisher_id, geo, device, event_type, verdict, events, cost_micros,
            length(user_hashes))) AS text
        FROM truth_cube
        WHERE ${OF_HOURS}
      )
      GROUP BY campaign_id, event_hour
    ),
    evidence AS (
      SELECT campaign_id, event_hour, count() AS rejected, sum(${REJECT_HASH}) AS digest
      FROM truth_rejects
      WHERE ${OF_HOURS}
      GROUP BY campaign_id, event_hour
    ),
    sums AS (
      SELECT *, '' AS cells, 0 AS rejected, toUInt128(0) AS digest FROM counts
      UNION ALL
      SELECT campaign_id, event_hour, '', '', 0, 0, 0, cells, 0, 0 FROM hashes
      UNION ALL
      SELECT campaign_id, event_hour, '', '', 0, 0, 0, '', rejected, digest FROM evidence
    )
  SELECT {advertiserId: String}, {billingDay: Date}, {buildId: UInt64}, campaign_id, event_hour,
    sumIf(events, type = 'click' AND told = 'valid'),
    sumIf(events, type = 'click' AND told NOT IN {notGross: Array(String)}),
    sumIf(events, type = 'click' AND told NOT IN {notNet: Array(String)}),
    sumIf(events, type = 'click' AND told IN {duplicates: Array(String)}),
    sumIf(events, type = 'impression' AND told = 'valid'),
    sumIf(events, type = 'conversion' AND told = 'valid'),
    sum(micros), sum(members),
    sumMapIf(map(told, events), told != ''),
    sumMapIf(map(told, events), type = 'click'),
    toFixedString(max(cells), 32), sum(rejected), sum(digest)
  FROM sums
  GROUP BY campaign_id, event_hour`;

/** The SQL that hours are added up by, by the name of its queries. */
export const HOURS_PROGRAM: Readonly<Record<string, string>> = { "batch.hours": ADD_UP };
