/** Reads the lines of a new series while it is read what they depend on, so that nobody waits for both. */
import { HOUR_MS } from "@trueclick/shared/time";
import { windowStartMs } from "@trueclick/shared/window";
import { readLinesAhead } from "../queries/hotLinesAhead.ts";
import type { Stores } from "../stores.ts";
import { settledHours } from "./hotSettled.ts";
import { DETAIL_DIMENSIONS, REPORT_ROWS_MAX, type ReportQuery } from "./reportQuery.ts";

/**
 * Remembers the lines of a series' closed hours, as of the state that they were read in, unless the series was
 * asked for before.
 *
 * @returns whether there is a line of the very hour that it begins in.
 */
export async function readSeriesAhead(
  stores: Pick<Stores, "db" | "memo">,
  query: ReportQuery,
): Promise<boolean> {
  const { scope, fromMs, toMs, dimensions, filters } = query;
  const range = { fromMs, toMs: windowStartMs(toMs, HOUR_MS) };
  if (!isSeries(query) || range.fromMs >= range.toMs) return false;
  const ahead = await readLinesAhead(stores, scope, {
    ...range,
    byAdvertiser: dimensions.includes("advertiser"),
    byCampaign: dimensions.includes("campaign"),
    campaigns: filters.campaign ?? null,
    rowsMax: REPORT_ROWS_MAX + 1,
  });
  if (ahead === null) return false;
  const { asOf, beforeMs } = settledHours(ahead.rolledThroughMs, ahead.hotHours);
  // Lines of an hour that is to be counted again are of no state that anybody asks for.
  if (ahead.toMs <= beforeMs) ahead.keep(asOf);
  return ahead.beginsWithLine;
}

const isSeries = ({ granularity, dimensions, filters, fromMs }: ReportQuery) =>
  granularity === "hour" &&
  fromMs % HOUR_MS === 0 &&
  DETAIL_DIMENSIONS.every((one) => !dimensions.includes(one) && filters[one] === undefined);
