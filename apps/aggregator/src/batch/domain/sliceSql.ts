/** The statements that judge a slice, each by the parameters that name its build and the table of its keys. */
import { SECOND_MS } from "@trueclick/shared/time";
import { cubeSql } from "./cubeSql.ts";
import { JUDGED_COLUMNS } from "./eventSql.ts";
import { type JudgeInputs, rejectsSql } from "./judgeSql.ts";
import { KEY_COLUMNS, keysSql, type SievedRows } from "./keysSql.ts";
import { isSuspectSql, sieveSql, suspectIdsSql } from "./sieveSql.ts";
import type { Slice } from "./slices.ts";

type SliceName = Pick<Slice, "firstHourMs">;

export function insertKeys(
  sieved: SievedRows,
  { firstHourMs }: SliceName,
  inputs: JudgeInputs,
  table: string,
): string {
  return `
    INSERT INTO ${table} (build_id, slice_hour, ${KEY_COLUMNS.join(", ")})
    SELECT {buildId: UInt64}, fromUnixTimestamp(${firstHourMs / SECOND_MS}), *
    FROM (${keysSql(sieved, inputs, isSuspectSql(sieved, inputs))})`;
}

export function insertSuspectIds(
  sieved: SievedRows,
  slice: SliceName,
  inputs: JudgeInputs,
  keys: string,
): string {
  return `
    INSERT INTO truth_suspect_ids (build_id, slice_hour, event_hour, id)
    SELECT {buildId: UInt64}, fromUnixTimestamp(${slice.firstHourMs / SECOND_MS}), *
    FROM (${suspectIdsSql(sieved, inputs, keysIn(keys, slice))})`;
}

export function insertSuspects(
  sieved: SievedRows,
  slice: SliceName,
  inputs: JudgeInputs,
  table: string,
): string {
  const read = { ids: rowsIn("truth_suspect_ids", slice), keys: keysIn(table, slice) };
  return `
    INSERT INTO truth_suspects (build_id, slice_hour, ${JUDGED_COLUMNS.join(", ")})
    SELECT {buildId: UInt64}, fromUnixTimestamp(${slice.firstHourMs / SECOND_MS}), *
    FROM (${sieveSql(sieved, inputs, read)})`;
}

/** How many `suspects` `insertSuspectIds` has found. */
export function countSuspects(slice: SliceName): string {
  return `SELECT count() AS suspects FROM ${rowsIn("truth_suspect_ids", slice)}`;
}

/** Where the keys of slices lie that have no table of their own. */
export const KEYS_ON_DISK = "truth_keys";

/** Tables of what else is needed only while a slice is judged, a partition each. */
export const SLICE_TABLES = ["truth_suspect_ids", "truth_suspects"] as const;
type SliceTable = (typeof SLICE_TABLES)[number] | typeof KEYS_ON_DISK;

function rowsIn(table: string, { firstHourMs }: SliceName): string {
  return `(SELECT * FROM ${table}
      WHERE build_id = {buildId: UInt64}
        AND slice_hour = fromUnixTimestamp(${firstHourMs / SECOND_MS}))`;
}

/** A table of the slice's own is asked for its build alone: what is not the slice's there is a mark of no build. */
function keysIn(table: string, slice: SliceName): string {
  if (table === KEYS_ON_DISK) return rowsIn(table, slice);
  return `(SELECT * FROM ${table} WHERE build_id = {buildId: UInt64})`;
}

export function dropRows(table: SliceTable, { firstHourMs }: SliceName): string {
  return `ALTER TABLE ${table}
    DROP PARTITION ({buildId: UInt64}, fromUnixTimestamp(${firstHourMs / SECOND_MS}))`;
}

/**
 * SQL of the hours of which other events were sieved than their keys told to look for, each with how
 * many are `missing`, fewer than 0 where there are more: the two did not read the same rows.
 */
export function unsievedHours(slice: SliceName): string {
  return `
    SELECT toUnixTimestamp(event_hour) AS hourSeconds, sum(told) AS missing
    FROM (
      SELECT event_hour, toInt64(count()) AS told FROM ${rowsIn("truth_suspect_ids", slice)}
      GROUP BY event_hour
      UNION ALL
      SELECT toStartOfHour(fromUnixTimestamp64Milli(event_time_ms, 'UTC')) AS event_hour,
        -toInt64(count())
      FROM ${rowsIn("truth_suspects", slice)}
      GROUP BY event_hour
    )
    GROUP BY event_hour
    HAVING missing != 0
    ORDER BY event_hour`;
}

export function insertRejects(
  { endMs, copies }: SievedRows,
  slice: SliceName,
  inputs: JudgeInputs,
): string {
  const judged = { own: rowsIn("truth_suspects", slice), endMs, copies };
  return `
    INSERT INTO truth_rejects
      (advertiser_id, billing_day, build_id, campaign_id, event_hour, partition, offset, \`index\`,
        event_id, event_type, verdict, matched)
    SELECT {advertiserId: String}, {billingDay: Date}, {buildId: UInt64}, campaign_id,
      toStartOfHour(fromUnixTimestamp64Milli(event_time_ms, 'UTC')), partition, offset, \`index\`,
      event_id, event_type, verdict, matched
    FROM (${rejectsSql(judged, inputs)})`;
}

export function insertCube(
  { endMs }: Pick<SievedRows, "endMs">,
  slice: SliceName,
  inputs: Parameters<typeof cubeSql>[1],
  table: string,
): string {
  const { firstHourMs } = slice;
  const [keys, suspects] = [keysIn(table, slice), rowsIn("truth_suspects", slice)];
  return `
    INSERT INTO truth_cube
      (advertiser_id, billing_day, build_id, campaign_id, event_hour, ad_id, publisher_id, geo,
        device, event_type, verdict, events, cost_micros, user_hashes)
    SELECT {advertiserId: String}, {billingDay: Date}, {buildId: UInt64}, *
    FROM (${cubeSql({ keys, suspects, firstHourMs, endMs }, inputs)})`;
}
