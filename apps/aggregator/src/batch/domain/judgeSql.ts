import { sqlString } from "@trueclick/archive/domain/sqlString";
import type { InstantRange } from "@trueclick/shared/calendar";
import type { PinnedCampaign } from "./inputs.ts";
import { type RuleSet, verdictSql } from "./rules.ts";

export interface JudgeInputs {
  /** Sub-query that gives the rows of the hours to judge, with the columns of the archive. */
  readonly rows: string;
  /** The same for other hours that hold copies of some of these ids; null when there are none. */
  readonly copies: string | null;
  readonly campaigns: readonly PinnedCampaign[];
  readonly ruleSet: RuleSet;
  readonly bounds: InstantRange;
  /** Judges this event only: what a trace asks. Its copies are all that its verdict depends on. */
  readonly eventId?: string;
}

/** Columns of the archive that rules may ask for and that judged rows carry. */
const STORED_COLUMNS = [
  "partition",
  "offset",
  "`index`",
  "event_id",
  "event_type",
  "event_time",
  "campaign_id",
  "ad_id",
  "publisher_id",
  "geo",
  "device",
  "user_id",
  "test",
];
const EVENT_COLUMNS = [...STORED_COLUMNS, "event_time_ms", "flag_words"];

/**
 * SQL that judges and prices the events of an advertiser in `bounds`: one row an event, with
 * `verdict`, `cost_micros`, and its fields. Each id counts once, at its first copy.
 *
 * Ids are told apart within the advertiser: what another tenant sends, by chance or on purpose under
 * the same ids, changes nothing here.
 *
 * Ids that came once, nearly all of them, are told from the others first: finding the first copy takes
 * five times as long a row. `payload` only tells `duplicate` from `id_conflict`, and neither counts,
 * so that a collision of the fast hash moves no number.
 *
 * Copies are compared before the day is cut out of its hours, so that an event just before midnight
 * and its copy just after are seen as such from both days.
 */
export function judgeSql(inputs: JudgeInputs): string {
  const { bounds, campaigns, ruleSet } = inputs;
  return `
    WITH
      campaigns AS (${campaignRows(campaigns)}),
      rates AS (${rateRows(campaigns)}),
      own AS (${eventsOf(inputs.rows, inputs.eventId)}),
      repeated_ids AS (
        SELECT event_id128 FROM (${copiesOf(inputs)}) GROUP BY event_id128 HAVING count() > 1
      ),
      repeated AS (
        SELECT event_id128, count() AS copies, min(position) AS first_position,
          argMin(payload, position) AS first_payload
        FROM (${copiesOf(inputs)})
        WHERE event_id128 IN (SELECT event_id128 FROM repeated_ids)
        GROUP BY event_id128
      ),
      facts AS (
        SELECT ${EVENT_COLUMNS.map((column) => `own.${column} AS ${column}`).join(", ")},
          repeated.copies = 0 OR own.position = repeated.first_position AS is_first,
          own.payload = repeated.first_payload AS is_same,
          campaigns.campaign_id != '' AS campaign_known, campaigns.starts_ms AS starts_ms,
          campaigns.ends_ms AS ends_ms
        FROM own
        LEFT JOIN repeated ON own.event_id128 = repeated.event_id128
        LEFT JOIN campaigns ON own.campaign_id = campaigns.campaign_id
        WHERE own.event_time_ms >= ${bounds.fromMs} AND own.event_time_ms < ${bounds.toMs}
      )
    SELECT facts.*, ${verdictSql(ruleSet)} AS verdict,
      if(verdict = 'valid' AND event_type = 'click', rates.cpc_micros, 0) AS cost_micros
    FROM facts
    ASOF LEFT JOIN rates
      ON facts.campaign_id = rates.campaign_id AND facts.event_time_ms >= rates.effective_from_ms`;
}

/** SQL of a sub-query: how many events of the advertiser lie in `bounds`, counted without judging. */
export function eventCountSql({ rows, campaigns, bounds }: JudgeInputs): string {
  return `
    WITH campaigns AS (${campaignRows(campaigns)}), own AS (${eventsOf(rows)})
    SELECT count() AS events FROM own
    WHERE event_time_ms >= ${bounds.fromMs} AND event_time_ms < ${bounds.toMs}`;
}

/** SQL of the campaigns' ids and times, as rows. */
export function campaignRows(campaigns: readonly PinnedCampaign[]): string {
  const rows = campaigns.map(({ id, startsMs, endsMs }) => ({
    campaign_id: id,
    starts_ms: startsMs,
    ends_ms: endsMs,
  }));
  const structure = "campaign_id String, starts_ms Nullable(Int64), ends_ms Nullable(Int64)";
  return pinnedRows(structure, rows);
}

function rateRows(campaigns: readonly PinnedCampaign[]): string {
  const rows = campaigns.flatMap(({ id, rates }) =>
    rates.map(({ effectiveFromMs, cpcMicros }) => ({
      campaign_id: id,
      effective_from_ms: effectiveFromMs,
      cpc_micros: cpcMicros.toString(),
    })),
  );
  return pinnedRows("campaign_id String, effective_from_ms Int64, cpc_micros Int64", rows);
}

function pinnedRows(structure: string, rows: readonly object[]): string {
  // `format` takes no empty text.
  if (rows.length === 0) return `SELECT * FROM null(${sqlString(structure)})`;
  const json = rows.map((row) => JSON.stringify(row)).join("\n");
  return `SELECT * FROM format(JSONEachRow, ${sqlString(structure)}, ${sqlString(json)})`;
}

/** Events of the advertiser with what tells their copies apart. Needs `campaigns`. */
function eventsOf(rows: string, eventId?: string): string {
  const only = eventId === undefined ? "" : `AND event_id = ${sqlString(eventId)}`;
  return `
    SELECT ${STORED_COLUMNS.join(", ")}, event_id128,
      toUnixTimestamp64Milli(event_time) AS event_time_ms,
      splitByChar(',', flags) AS flag_words,
      (toUnixTimestamp64Milli(ingest_time), partition, offset, \`index\`) AS position,
      cityHash64(event_type, event_time_ms, campaign_id, ad_id, publisher_id, user_id) AS payload
    FROM ${rows}
    WHERE NOT unparseable AND campaign_id IN (SELECT campaign_id FROM campaigns) ${only}`;
}

/** All copies of the ids to judge, with what decides which is first and whether they are the same. */
function copiesOf({ copies, eventId }: JudgeInputs): string {
  const own = "SELECT event_id128, position, payload FROM own";
  if (copies === null) return own;
  return `${own} UNION ALL
    SELECT event_id128, position, payload FROM (${eventsOf(copies, eventId)})
    WHERE event_id128 IN (SELECT event_id128 FROM own)`;
}
