import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { VERDICT_CLASS } from "@trueclick/shared/verdict";
import { z } from "zod";
import { runTenantQuery } from "../clickhouse/tenantReader.ts";
import { streamEvidenceSql } from "../queries/streamEvidence.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION } from "../tenant.ts";
import {
  byCampaignRow,
  CAMPAIGN_ROW_GROUPS,
  campaignRowSchema,
  campaignRowSql,
} from "./campaignRows.ts";
import type { CurrencyParams, MeasuredRow } from "./measures.ts";
import type { ReportQuery } from "./reportQuery.ts";

const givtRowSchema = campaignRowSchema.extend({ events: z.coerce.number().int().nonnegative() });

// The hot cells keep one count of invalid clicks; the evidence of each says which are GIVT.
const sqlOf = (query: ReportQuery, currencies: CurrencyParams) => `
  SELECT
    ${campaignRowSql(query, "advertiser_id", currencies)},
    count() AS events
  FROM (
    SELECT *, toInt64(toUnixTimestamp(toStartOfMinute(event_time))) AS t
    FROM ${streamEvidenceSql(`${TENANT_CONDITION}
      AND event_type = 'click'
      AND event_hour >= fromUnixTimestamp({from_hour: Int64})
      AND event_hour < fromUnixTimestamp({to: Int64})
      AND ({any_campaign: Bool} OR campaign_id IN ({campaigns: Array(String)}))`)}
    WHERE reason IN {givt_verdicts: Array(String)}
  )
  WHERE t >= {from: Int64} AND t < {to: Int64}
  GROUP BY ${CAMPAIGN_ROW_GROUPS}
`;

/** Net clicks of a hot row. */
export type NetClicks = (row: MeasuredRow) => number;

/**
 * Reads which invalid clicks are GIVT, by campaign at the most.
 *
 * @param params Those of the hot report that the rows are of.
 */
export async function readNetClicks(
  { clickhouse }: Pick<Stores, "clickhouse">,
  query: ReportQuery,
  params: CurrencyParams & { readonly from: number },
): Promise<NetClicks> {
  const hourSeconds = HOUR_MS / SECOND_MS;
  const givtRows = await runTenantQuery(clickhouse, query.scope, {
    name: "hotGivt",
    sql: sqlOf(query, params),
    row: givtRowSchema,
    params: {
      ...params,
      from_hour: params.from - (params.from % hourSeconds),
      givt_verdicts: GIVT_VERDICTS,
    },
  });
  const givtOf = byCampaignRow(givtRows, ({ events }) => events);
  // Cells and evidence are not read at one instant, and the stream may have flushed in between.
  return (row) => {
    const net = row.gross_clicks - (givtOf(row) ?? 0);
    return Math.max(net, row.clicks);
  };
}

const GIVT_VERDICTS = Object.entries(VERDICT_CLASS).flatMap(([verdict, verdictClass]) =>
  verdictClass === "givt" ? [verdict] : [],
);
