import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import type { Account } from "../queries/reportFacts.ts";
import type { StreamState } from "../queries/streamState.ts";
import type { TruthPointer } from "../queries/truthPointers.ts";
import { readCells } from "./hotCellRows.ts";
import { type HotStores, type Reading, readCounts } from "./hotCounts.ts";
import { areMinutesKept, type HotParts } from "./hotParts.ts";
import { extentsOf, type SettledHours } from "./hotSettled.ts";
import { readUniqueUsers } from "./hotUsers.ts";
import {
  type BucketParams,
  type CountedRows,
  currencyParams,
  filterParams,
  mergeMeasured,
  USERS_UNITED_MAX,
} from "./measures.ts";
import { DETAIL_DIMENSIONS, type ReadAt, type ReportQuery } from "./reportQuery.ts";
import type { HotRange } from "./route.ts";

interface HotFacts {
  readonly accounts: readonly Account[];
  /** What truth has counted of the days of the range. */
  readonly pins: readonly TruthPointer[];
  readonly buckets: BucketParams;
  readonly settled: SettledHours;
  readonly stream: Pick<StreamState, "watermarkMs">;
}

export interface HotRows extends CountedRows {
  /** Of when they are, if that is a moment ago; null: now. */
  readonly readAt: ReadAt | null;
}

/**
 * The stream's counts: a minute that the range cuts, or an hour of which the minutes are kept no
 * more, is in it whole. The query asks for at most one detail dimension. More than `REPORT_ROWS_MAX` rows
 * are not all of them.
 */
export async function hotReport(
  stores: HotStores,
  query: ReportQuery,
  { nowMs, ...hot }: HotRange & { readonly nowMs: number },
  { accounts, pins, buckets, stream, ...facts }: HotFacts,
): Promise<HotRows> {
  const { parts } = hot;
  const range = { ...hot, nowMs };
  const areKept = areMinutesKept(parts, nowMs);
  const settled = areKept ? facts.settled : { ...facts.settled, restAsOf: null, open: null };
  const { dimensions, filters } = query;
  const detail = DETAIL_DIMENSIONS.find(
    (dimension) => dimensions.includes(dimension) || filters[dimension] !== undefined,
  );
  // Without a detail any cube will do: each adds up to the campaign.
  const cube = detail ?? "ad";
  const params = {
    ...buckets,
    ...currencyParams(accounts, ({ id }) => id),
    ...filterParams(filters),
  };
  const counted = { from: firstSecond(range, parts), to: Math.ceil(range.toMs / SECOND_MS) };
  const extents = extentsOf(parts, counted, settled);
  const of: Reading = { query, range, settled, stream, params: { ...params, cube } };
  // Evidence and users are kept by campaign.
  if (detail !== undefined) {
    const rows = await readCells(stores, query, of.params, extents, settled);
    return { rows: mergeMeasured([rows]), usersOmitted: false, readAt: null };
  }
  // Truth's counts say beforehand whether there will be too many: when users are read, not whether.
  const areFew = sumOf(pins, ({ validClicks }) => validClicks) <= USERS_UNITED_MAX;
  const { rows, users, readAt } = await readCounts(stores, of, extents, areFew);
  const usersOmitted = sumOf(rows, ({ clicks }) => clicks) > USERS_UNITED_MAX;
  const uniqueUsers = usersOmitted
    ? () => null
    : (users ?? (await readUniqueUsers(stores, query, range, of.params, settled)));
  return {
    rows: rows.map((row) => ({ ...row, unique_users: uniqueUsers(row) })),
    usersOmitted,
    readAt,
  };
}

function sumOf<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}

/** Where what was counted begins: with a whole minute, or with a whole hour of no minutes. */
function firstSecond({ fromMs }: InstantRange, { hours }: HotParts): number {
  const stepMs = hours !== null && hours.fromMs === fromMs ? HOUR_MS : MINUTE_MS;
  return Math.floor(fromMs / stepMs) * (stepMs / SECOND_MS);
}
