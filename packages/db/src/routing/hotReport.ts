import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import type { Account } from "../queries/reportFacts.ts";
import type { TruthPointer } from "../queries/truthPointers.ts";
import type { Stores } from "../stores.ts";
import { type CellsParams, readCells } from "./hotCellRows.ts";
import { type GivtRow, givtOfCells, mayCellsTellGivt, netClicksOf, readGivt } from "./hotGivt.ts";
import { linedHours, readLinedRows, tellsUsers, unlinedExtents } from "./hotLineRows.ts";
import { areMinutesKept, type HotParts } from "./hotParts.ts";
import { type Extents, extentsOf, type SettledHours } from "./hotSettled.ts";
import { readUniqueUsers, type UniqueUsers } from "./hotUsers.ts";
import {
  type BucketParams,
  type CountedRows,
  currencyParams,
  filterParams,
  type MeasuredRow,
  mergeMeasured,
  USERS_UNITED_MAX,
} from "./measures.ts";
import { DETAIL_DIMENSIONS, type ReportQuery } from "./reportQuery.ts";
import type { HotRange } from "./route.ts";

interface HotFacts {
  readonly accounts: readonly Account[];
  /** What truth has counted of the days of the range. */
  readonly pins: readonly TruthPointer[];
  readonly buckets: BucketParams;
  readonly settled: SettledHours;
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
  { accounts, pins, buckets, ...facts }: HotFacts,
): Promise<CountedRows> {
  const { parts } = hot;
  const range = { ...hot, nowMs };
  const areKept = areMinutesKept(parts, nowMs);
  const settled = areKept ? facts.settled : { ...facts.settled, restAsOf: null };
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
  const of: Reading = { query, range, settled, params: { ...params, cube } };
  // Evidence and users are kept by campaign.
  if (detail !== undefined) {
    const rows = await readCells(stores, query, of.params, extents, settled);
    return { rows: mergeMeasured([rows]), usersOmitted: false };
  }
  // Truth's counts say beforehand whether there will be too many: when users are read, not whether.
  const areFew = sumOf(pins, ({ validClicks }) => validClicks) <= USERS_UNITED_MAX;
  const { cells, givt, users } = await readCounts(stores, of, extents, areFew);
  const rows = mergeMeasured([cells]);
  const netClicks = netClicksOf(givt);
  const usersOmitted = sumOf(rows, ({ clicks }) => clicks) > USERS_UNITED_MAX;
  const uniqueUsers = usersOmitted
    ? () => null
    : (users ?? (await readUniqueUsers(stores, query, range, of.params, settled)));
  return {
    rows: rows.map((row) => ({
      ...row,
      net_clicks: netClicks(row),
      unique_users: uniqueUsers(row),
    })),
    usersOmitted,
  };
}

type HotStores = Pick<Stores, "db" | "clickhouse" | "memo" | "recent">;

/** Of what report rows are read. */
interface Reading {
  readonly query: ReportQuery;
  readonly range: HotRange & { readonly nowMs: number };
  readonly settled: SettledHours;
  readonly params: CellsParams;
}

/** Rows of a report in parts. */
interface Counts {
  readonly cells: readonly MeasuredRow[];
  readonly givt: readonly GivtRow[];
  /** Null where it was not known whether there would be too many. */
  readonly users: UniqueUsers | null;
}

async function readCounts(
  stores: HotStores,
  of: Reading,
  extents: Extents,
  areFew: boolean,
): Promise<Counts> {
  const { query, range, params, settled } = of;
  const hours = linedHours(query, extents);
  // Where some have none it is so for all who ask, and is not found out by each anew.
  const lacking = ["hotLinesLack", query.scope.kind, hours, settled.asOf];
  if (hours !== null && stores.memo?.known(lacking) === undefined) {
    const lined = await readLined(stores, of, { extents, hours, areFew });
    if (lined !== null) return lined;
    stores.memo?.keep(lacking, "");
  }
  const [cells, givt, users] = await Promise.all([
    readCells(stores, query, params, extents, settled),
    readGivt(stores, query, params, extents, settled),
    areFew ? readUniqueUsers(stores, query, range, params, settled) : null,
  ]);
  return { cells, givt, users };
}

/** Settled hours by their lines, and meanwhile the others by the engine. Null where some hour has no lines. */
async function readLined(
  stores: HotStores,
  { query, range, params, settled }: Reading,
  {
    extents,
    hours,
    areFew,
  }: { readonly extents: Extents; readonly hours: InstantRange; readonly areFew: boolean },
): Promise<Counts | null> {
  const rest = unlinedExtents(extents);
  const lines = readLinedRows(stores, query, hours, { ...settled, currency: params.currency });
  const told = tellsUsers(query)
    ? { toMs: hours.toMs, rows: lines.then((read) => read?.users ?? []) }
    : null;
  const readRest = async () => {
    if (rest === null) return { cells: [], givt: [] };
    const readEvidence = () => readGivt(stores, query, params, rest, settled);
    const [cells, evidence] = await Promise.all([
      readCells(stores, query, params, rest, settled),
      mayCellsTellGivt(rest, settled) ? null : readEvidence(),
    ]);
    return { cells, givt: evidence ?? givtOfCells(cells) ?? (await readEvidence()) };
  };
  const [read, { cells, givt }, users] = await Promise.all([
    lines,
    readRest(),
    areFew ? readUniqueUsers(stores, query, range, params, settled, told) : null,
  ]);
  if (read === null) return null;
  return { cells: [...read.cells, ...cells], givt: [...read.givt, ...givt], users };
}

function sumOf<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}

/** Where what was counted begins: with a whole minute, or with a whole hour of no minutes. */
function firstSecond({ fromMs }: InstantRange, { hours }: HotParts): number {
  const stepMs = hours !== null && hours.fromMs === fromMs ? HOUR_MS : MINUTE_MS;
  return Math.floor(fromMs / stepMs) * (stepMs / SECOND_MS);
}
