import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "@trueclick/shared/time";
import type { Account } from "../queries/reportFacts.ts";
import type { StreamState } from "../queries/streamState.ts";
import type { TruthPointer } from "../queries/truthPointers.ts";
import type { Stores } from "../stores.ts";
import { type CellsParams, readCells } from "./hotCellRows.ts";
import { type GivtRow, givtOfCells, mayCellsTellGivt, netClicksOf, readGivt } from "./hotGivt.ts";
import { linedHours, readLinedRows, tellsUsers, unlinedExtents } from "./hotLineRows.ts";
import { areMinutesKept, type HotParts } from "./hotParts.ts";
import { type Extent, type Extents, extentsOf, type SettledHours } from "./hotSettled.ts";
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
import { type OpenRows, readOpenRows } from "./openHourRows.ts";
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
  const { cells, givt, users, readAt } = await readCounts(stores, of, extents, areFew);
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
    readAt,
  };
}

type HotStores = Pick<Stores, "db" | "clickhouse" | "memo" | "recent" | "openHours">;

/** Of what report rows are read. */
interface Reading {
  readonly query: ReportQuery;
  readonly range: HotRange & { readonly nowMs: number };
  readonly settled: SettledHours;
  readonly stream: Pick<StreamState, "watermarkMs">;
  readonly params: CellsParams;
}

/** Rows of a report in parts. */
interface Counts {
  readonly cells: readonly MeasuredRow[];
  readonly givt: readonly GivtRow[];
  /** Null where it was not known whether there would be too many. */
  readonly users: UniqueUsers | null;
  /** Null: now. */
  readonly readAt: ReadAt | null;
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
  return { cells, givt, users, readAt: null };
}

/**
 * Settled hours by their lines, and meanwhile the others by what is known of everybody's, or by the engine.
 * Null where some hour has no lines.
 */
async function readLined(
  stores: HotStores,
  of: Reading,
  {
    extents,
    hours,
    areFew,
  }: { readonly extents: Extents; readonly hours: InstantRange; readonly areFew: boolean },
): Promise<Counts | null> {
  const { query, range, params, settled } = of;
  const rest = unlinedExtents(extents);
  const lines = readLinedRows(stores, query, hours, { ...settled, currency: params.currency });
  const tells = tellsUsers(query);
  // Where sets of users are to be united all the same, cells are read beside them.
  const opened = rest === null || (areFew && !tells) ? null : readOpen(stores, of, rest.all);
  const usersIn = async (): Promise<UniqueUsers | null> => {
    if (!areFew) return null;
    const open = await opened;
    const rows = async () => [...((await lines)?.users ?? []), ...(open?.users ?? [])];
    const toMs = open === null ? hours.toMs : range.toMs;
    const told = tells ? { toMs, rows: rows() } : null;
    return readUniqueUsers(stores, query, range, params, settled, told);
  };
  const [read, open, users] = await Promise.all([
    lines,
    opened?.then((told) => told ?? readRest(stores, of, rest)) ?? readRest(stores, of, rest),
    usersIn(),
  ]);
  if (read === null) return null;
  const { cells, givt, readAt } = open;
  return { cells: [...read.cells, ...cells], givt: [...read.givt, ...givt], users, readAt };
}

function readOpen(
  stores: HotStores,
  { query, range, settled, stream, params }: Reading,
  rest: Extent,
): Promise<OpenRows | null> {
  const { nowMs } = range;
  return readOpenRows(stores, query, rest, { settled, currencies: params, nowMs, ...stream });
}

/** What lines do not tell, by the engine. */
async function readRest(
  stores: HotStores,
  { query, params, settled }: Reading,
  rest: Extents | null,
): Promise<Omit<Counts, "users">> {
  if (rest === null) return { cells: [], givt: [], readAt: null };
  const readEvidence = () => readGivt(stores, query, params, rest, settled);
  const [cells, evidence] = await Promise.all([
    readCells(stores, query, params, rest, settled),
    mayCellsTellGivt(rest, settled) ? null : readEvidence(),
  ]);
  return { cells, givt: evidence ?? givtOfCells(cells) ?? (await readEvidence()), readAt: null };
}

function sumOf<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}

/** Where what was counted begins: with a whole minute, or with a whole hour of no minutes. */
function firstSecond({ fromMs }: InstantRange, { hours }: HotParts): number {
  const stepMs = hours !== null && hours.fromMs === fromMs ? HOUR_MS : MINUTE_MS;
  return Math.floor(fromMs / stepMs) * (stepMs / SECOND_MS);
}
