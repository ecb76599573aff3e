/** What is read beside a report's rows and is kept by campaign at the most: users, and reasons. */
import type { z } from "zod";
import {
  type BucketParams,
  bucketSql,
  type CurrencyParams,
  currencySql,
  groupSql,
  type MeasuredRow,
  measuredRowSchema,
  splitSql,
} from "./measures.ts";
import type { ReportQuery } from "./reportQuery.ts";

/** Whose the figure of a row is. */
export const campaignRowSchema = measuredRowSchema.pick({
  bucket: true,
  advertiser: true,
  campaign: true,
  currency: true,
});
export type CampaignRow = z.infer<typeof campaignRowSchema>;

/** The columns of such a row, to be grouped by `campaignRowGroups`. */
export function campaignRowSql(
  { dimensions }: Pick<ReportQuery, "dimensions">,
  owner: "advertiser_id" | "build_id",
  params: BucketParams & CurrencyParams,
): string {
  return `${bucketSql(params)} AS bucket,
    ${splitSql(dimensions, [
      ["advertiser", "advertiser_id"],
      ["campaign", "campaign_id"],
    ])},
    ${currencySql(owner, params)}`;
}

/** Without what is the same of all rows. */
export function campaignRowGroups(
  { dimensions }: Pick<ReportQuery, "dimensions">,
  params: CurrencyParams,
): string {
  return groupSql(dimensions, params, ["advertiser", "campaign"]);
}

/**
 * Figures by row, to be asked for with the rows of the report that they belong to. Those of one row that are
 * told in parts are added up.
 */
export function byCampaignRow<Row extends CampaignRow>(
  found: readonly Row[],
  figureOf: (row: Row) => number,
): (row: Pick<MeasuredRow, keyof CampaignRow>) => number | undefined {
  const figures = new Map<string, number>();
  for (const row of found) {
    const key = keyOf(row);
    figures.set(key, (figures.get(key) ?? 0) + figureOf(row));
  }
  return (row) => figures.get(keyOf(row));
}

const keyOf = ({ bucket, advertiser, campaign, currency }: CampaignRow) =>
  JSON.stringify([bucket, advertiser, campaign, currency]);
