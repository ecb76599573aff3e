import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import { runSettledTenantQuery } from "../clickhouse/tenantReader.ts";
import { GIVT_VERDICTS, streamEvidenceSql } from "../queries/streamEvidence.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION } from "../tenant.ts";
import {
  byCampaignRow,
  type CampaignRow,
  campaignRowGroups,
  campaignRowSchema,
  campaignRowSql,
} from "./campaignRows.ts";
import type { CellsRow } from "./hotCellRows.ts";
import {
  type Extent,
  type Extents,
  type SettledHours,
  type SettledSql,
  settledColumn,
  settledGroup,
  settledSql,
} from "./hotSettled.ts";
import { type BucketParams, type CurrencyParams, filterSql, type MeasuredRow } from "./measures.ts";
import type { ReportQuery } from "./reportQuery.ts";

const givtRowSchema = campaignRowSchema.extend({
  ...settledColumn,
  events: z.coerce.number().int().nonnegative(),
});

// The hot cells keep one count of invalid clicks; the evidence of each says which are GIVT.
function sqlOf(
  query: ReportQuery,
  params: BucketParams & CurrencyParams,
  evidence: {
    readonly mayBeCorrected: boolean;
    readonly isSpared: boolean;
    readonly settled: SettledSql;
  },
): string {
  const { mayBeCorrected, isSpared, settled } = evidence;
  const spared = `
    AND (event_hour < fromUnixTimestamp({spared_from: Int64})
      OR event_hour >= fromUnixTimestamp({spared_to: Int64}))`;
  const condition = `${TENANT_CONDITION}
    AND event_type = 'click'
    AND event_hour >= fromUnixTimestamp({from_hour: Int64})
    AND event_hour < fromUnixTimestamp({to: Int64})${isSpared ? spared : ""}
    AND ${filterSql(query.filters, [["campaign", "campaign_id"]])}`;
  const from = mayBeCorrected
    ? `${streamEvidenceSql(condition)} WHERE true`
    : `stream_rejects FINAL WHERE ${condition}`;
  return `
  WITH toInt64(toUnixTimestamp(toStartOfMinute(event_time))) AS t
  SELECT
    ${campaignRowSql(query, "advertiser_id", params)},
    ${settled} AS settled,
    count() AS events
  FROM ${from}
    AND reason IN {givt_verdicts: Array(String)}
    AND t >= {from: Int64} AND t < {to: Int64}
  GROUP BY ${campaignRowGroups(query, params)}${settledGroup(settled)}
`;
}

/** GIVT of rows of a report. */
export type GivtRow = CampaignRow & { readonly events: number };

/**
 * Reads which invalid clicks are GIVT, by campaign at the most.
 *
 * @param params Those of the hot report that the rows are of.
 */
export async function readGivt(
  stores: Pick<Stores, "clickhouse" | "memo" | "recent">,
  query: ReportQuery,
  params: BucketParams & CurrencyParams,
  { all, settled, rest, border }: Extents,
  { asOf, correctedMs, restAsOf }: SettledHours,
): Promise<GivtRow[]> {
  const queryOf = ({ parts: _, from, ...extent }: Extent, isSettled: SettledSql) => ({
    name: "hotGivt",
    sql: sqlOf(query, params, {
      mayBeCorrected: mayBeCorrected({ from }, correctedMs),
      isSpared: extent.spared_to > 0,
      settled: isSettled,
    }),
    row: givtRowSchema,
    params: {
      ...params,
      ...extent,
      from,
      from_hour: from - (from % HOUR_SECONDS),
      ...border,
      givt_verdicts: GIVT_VERDICTS,
    },
  });
  return runSettledTenantQuery(stores, query.scope, {
    all: queryOf(all, settledSql(border)),
    settled: settled && queryOf(settled, "1"),
    rest: rest && queryOf(rest, "0"),
    asOf,
    restAsOf,
  });
}

/** Whether cells may tell GIVT: those of hours do not, nor any whose evidence may have been corrected since. */
export function mayCellsTellGivt(
  { rest }: Pick<Extents, "rest">,
  { correctedMs }: Pick<SettledHours, "correctedMs">,
): boolean {
  return rest !== null && rest.parts.hours === null && !mayBeCorrected(rest, correctedMs);
}

/** GIVT as cells tell it that may; null where some do not know. */
export function givtOfCells(cells: readonly CellsRow[]): GivtRow[] | null {
  if (cells.some(({ givt_clicks }) => givt_clicks < 0)) return null;
  return cells.map(({ bucket, advertiser, campaign, currency, givt_clicks }) => {
    return { bucket, advertiser, campaign, currency, events: givt_clicks };
  });
}

/** Whether an hour of it was ever marked to be counted again. */
function mayBeCorrected({ from }: Pick<Extent, "from">, correctedMs: number): boolean {
  return correctedMs + HOUR_MS > from * SECOND_MS;
}

/** Net clicks of rows. Cells and evidence are not read at one instant, and the stream may have flushed in between. */
export function netClicksOf(givtRows: readonly GivtRow[]): (row: MeasuredRow) => number {
  const givtOf = byCampaignRow(givtRows, ({ events }) => events);
  return (row) => Math.max(row.gross_clicks - (givtOf(row) ?? 0), row.clicks);
}

const HOUR_SECONDS = HOUR_MS / SECOND_MS;
