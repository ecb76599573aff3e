/** Attribution in SQL: conversions and the last valid click before each. */
import { STANDARD_WINDOW_DAYS } from "@trueclick/shared/attribution";
import type { InstantRange } from "@trueclick/shared/calendar";
import { DAY_MS, HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import type { PinnedAttribution } from "./attribution.ts";
import type { CreditedHours } from "./credits.ts";
import { inDay } from "./inDay.ts";
import type { PinnedCampaign } from "./inputs.ts";
import { pinnedRows } from "./pinnedRows.ts";

/** The key of a conversion that bears nothing to find a click by. No click has it. */
const NOBODY = "toFixedString('', 16)";
const USER_KEY = "sipHash128('user', campaign_id, user_id)";
/** A click without a click id is named by its event id. */
const CLICK_KEY = "sipHash128('click_id', campaign_id, if(click_id != '', click_id, event_id))";

const COORDINATES = "toUInt16(partition), toUInt64(offset), toUInt16(`index`)";

/** Rows of the archive that are judged already, and what tells the valid ones of an advertiser. */
export interface JudgedEvents {
  /** A sub-query with the columns of the archive, of the hours from the first to the last. */
  readonly rows: string;
  /** Both inclusive, epoch milliseconds. */
  readonly firstHourMs: number;
  readonly lastHourMs: number;
  readonly bounds: InstantRange;
  readonly campaignIds: readonly string[];
  /** Condition over `truth_rejects`, and its rows are the evidence of the events' version. */
  readonly evidence: string;
  /** Rows of objects that the count had not seen yet: it looks at them as if they were not there. */
  readonly later: readonly {
    readonly partition: number;
    readonly eventHourMs: number;
    /** The last offset that the count had seen. */
    readonly lastOffset: bigint;
  }[];
}

/**
 * SQL of the valid events of a type: those that there is no evidence of. It is asked hour by hour, so
 * that it fits into memory.
 */
function validEvents(type: "click" | "conversion", events: JudgedEvents): string {
  const { rows, bounds, campaignIds, evidence, firstHourMs, lastHourMs, later } = events;
  const ids = pinnedRows(
    "campaign_id String",
    campaignIds.map((campaign_id) => ({ campaign_id })),
  );
  const timeMs = "toUnixTimestamp64Milli(event_time)";
  const unseen = later.map(({ partition, eventHourMs, lastOffset }) => {
    const hour = inDay({ fromMs: eventHourMs, toMs: eventHourMs + HOUR_MS }, timeMs);
    return `AND NOT (partition = ${partition} AND offset > ${lastOffset} AND ${hour})`;
  });
  return `
    SELECT * FROM ${rows}
    WHERE NOT unparseable AND event_type = '${type}' AND campaign_id IN (${ids})
      AND ${inDay(bounds, timeMs)} ${unseen.join(" ")}
      AND (${COORDINATES}) NOT IN (
        SELECT partition, offset, \`index\` FROM truth_rejects
        WHERE ${evidence} AND event_type = '${type}'
          AND event_hour BETWEEN fromUnixTimestamp(${firstHourMs / SECOND_MS})
            AND fromUnixTimestamp(${lastHourMs / SECOND_MS}))`;
}

/** Writes the valid conversions to `staged_conversions`. */
export function stageConversionsSql(events: JudgedEvents): string {
  return `
    INSERT INTO staged_conversions (build_id, campaign_id, event_hour, partition, offset, \`index\`,
      event_id, event_time_ms, named_by, key, value_micros)
    SELECT {buildId: UInt64}, campaign_id, toStartOfHour(event_time), ${COORDINATES}, event_id,
      toUnixTimestamp64Milli(event_time),
      multiIf(click_id != '', 'click_id', user_id != '', 'user', '') AS named_by,
      multiIf(click_id != '', ${CLICK_KEY}, user_id != '', ${USER_KEY}, ${NOBODY}),
      conversion_value_micros
    FROM (${validEvents("conversion", events)})`;
}

/**
 * Writes valid clicks to `truth_clicks` under the name `clicksOf`.
 *
 * @param onlyStaged Only those that a staged conversion of the build may be credited to.
 */
export function indexClicksSql(events: JudgedEvents, onlyStaged: boolean): string {
  const staged = "SELECT key FROM staged_conversions WHERE build_id = {buildId: UInt64}";
  return `
    INSERT INTO truth_clicks (advertiser_id, clicks_of, key, event_time_ms, ingest_ms, partition,
      offset, \`index\`, event_id, ad_id, publisher_id, geo, device)
    SELECT {advertiserId: String}, {clicksOf: String}, click_key,
      toUnixTimestamp64Milli(event_time), toUnixTimestamp64Milli(ingest_time), ${COORDINATES},
      event_id, ad_id, publisher_id, geo, device
    FROM (${validEvents("click", events)})
    ARRAY JOIN if(user_id != '', [${CLICK_KEY}, ${USER_KEY}], [${CLICK_KEY}]) AS click_key
    ${onlyStaged ? `WHERE click_key IN (${staged})` : ""}`;
}

export function countClicksSql(events: JudgedEvents): string {
  return `SELECT count() AS clicks FROM (${validEvents("click", events)})`;
}

/**
 * Credits the staged conversions of some hours to the last valid click with their key, by event time,
 * then as ids are told apart: ingest time, then coordinates. The click may lie at the same millisecond
 * as the conversion and as far back as the window reaches, to the millisecond.
 *
 * One row for each conversion joins at most one click, whoever clicked how often.
 */
export function creditSql(
  { windows }: Pick<PinnedAttribution, "windows">,
  campaigns: readonly Pick<PinnedCampaign, "id">[],
  { firstHourMs, lastHourMs }: CreditedHours,
): string {
  const staged = `staged_conversions
        WHERE build_id = {buildId: UInt64}
          AND event_hour BETWEEN fromUnixTimestamp(${firstHourMs / SECOND_MS})
            AND fromUnixTimestamp(${lastHourMs / SECOND_MS})`;
  return `
    INSERT INTO truth_conversions (advertiser_id, billing_day, build_id, campaign_id, event_hour,
      partition, offset, \`index\`, event_id, event_time_ms, value_micros, named_by, window_days,
      not_credited, click_partition, click_offset, click_index, click_event_id, click_time_ms,
      click_ad_id, click_publisher_id, click_geo, click_device)
    WITH
      windows AS (${windowRows(windows, campaigns)}),
      waiting AS (
        SELECT own.*, windows.window_days AS window_days
        FROM (SELECT * FROM ${staged}) AS own
        ASOF LEFT JOIN windows
          ON own.campaign_id = windows.campaign_id AND own.event_time_ms >= windows.from_ms
      ),
      clicks AS (
        SELECT key, event_time_ms AS click_time_ms, true AS is_found,
          argMax((partition, offset, \`index\`, event_id, ad_id, publisher_id, geo, device),
            (ingest_ms, partition, offset, \`index\`)) AS click
        FROM truth_clicks
        WHERE advertiser_id = {advertiserId: String} AND clicks_of IN ({clicksOf: Array(String)})
          AND key IN (SELECT key FROM ${staged})
        GROUP BY key, event_time_ms
      ),
      found AS (
        SELECT waiting.*, clicks.is_found AS is_found, clicks.click_time_ms AS last_click_ms,
          clicks.click AS last_click,
          multiIf(named_by = '', 'no_identity',
            NOT is_found OR event_time_ms - last_click_ms > window_days * ${DAY_MS}, 'no_click',
            '') AS why
        FROM waiting
        ASOF LEFT JOIN clicks
          ON waiting.key = clicks.key AND waiting.event_time_ms >= clicks.click_time_ms
      )
    SELECT {advertiserId: String}, {billingDay: Date}, {buildId: UInt64}, campaign_id, event_hour,
      partition, offset, \`index\`, event_id, event_time_ms, value_micros, named_by, window_days,
      why, ${[1, 2, 3].map((at) => `if(why = '', last_click.${at}, 0)`).join(", ")},
      if(why = '', last_click.4, ''), if(why = '', last_click_ms, 0),
      ${[5, 6, 7, 8].map((at) => `if(why = '', last_click.${at}, '')`).join(", ")}
    FROM found`;
}

/** The rows of the cube that say what the clicks of each cell were credited with. */
export const CREDITED_CELLS = `
  INSERT INTO truth_cube (advertiser_id, billing_day, build_id, campaign_id, event_hour, ad_id,
    publisher_id, geo, device, event_type, verdict, events, cost_micros, credited,
    credited_value_micros)
  SELECT advertiser_id, billing_day, build_id, campaign_id, event_hour, click_ad_id,
    click_publisher_id, click_geo, click_device, 'conversion', 'valid', 0, 0, count(),
    sum(toInt128(value_micros))
  FROM truth_conversions
  WHERE advertiser_id = {advertiserId: String} AND billing_day = {billingDay: Date}
    AND build_id = {buildId: UInt64} AND not_credited = ''
  GROUP BY advertiser_id, billing_day, build_id, campaign_id, event_hour, click_ad_id,
    click_publisher_id, click_geo, click_device`;

/** Every campaign's windows as rows, from before every event on. */
function windowRows(
  windows: PinnedAttribution["windows"],
  campaigns: readonly Pick<PinnedCampaign, "id">[],
): string {
  const known = new Map(windows.map(({ campaignId, inForce }) => [campaignId, inForce]));
  const rows = campaigns.flatMap(({ id }) =>
    (known.get(id) ?? [{ fromMs: 0, days: STANDARD_WINDOW_DAYS }]).map(({ fromMs, days }) => {
      return { campaign_id: id, from_ms: fromMs, window_days: days };
    }),
  );
  return pinnedRows("campaign_id String, from_ms Int64, window_days UInt16", rows);
}
