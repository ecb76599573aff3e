import { formatCount, formatPercent } from "../../../shell/fns/format.ts";
import type { FilterDimension } from "../../../shell/urlState.ts";
import type { ShareBar } from "../../../ui/ShareBars.tsx";
import { valueWord } from "./dimensions.ts";

/** More bars than this are a table. */
const BARS_MAX = 10;

type PartRow = { readonly clicks: number } & Partial<
  Readonly<Record<FilterDimension, string | undefined>>
>;

/** The largest parts with their share of all; the chosen one is kept however small it is. */
export function prepareBars(
  rows: readonly PartRow[],
  dimension: FilterDimension,
  selected: string | null,
): ShareBar[] {
  const total = rows.reduce((sum, row) => sum + row.clicks, 0);
  const parts = rows
    .filter((row) => row.clicks > 0 || row[dimension] === selected)
    .toSorted((left, right) => right.clicks - left.clicks);
  return parts
    .filter((row, index) => index < BARS_MAX || row[dimension] === selected)
    .map((row) => {
      const id = row[dimension] ?? "";
      const share = total === 0 ? 0 : row.clicks / total;
      return {
        id,
        label: valueWord(dimension, id),
        value: formatCount(row.clicks),
        share,
        shareText: formatPercent(share),
        selected: id === selected,
      };
    });
}
