/** Counts of the hot store without details: by lines, by what is kept of everybody, or by the engine. */
import type { InstantRange } from "@trueclick/shared/calendar";
import type { HotLine } from "../queries/parseHotLines.ts";
import type { StreamState } from "../queries/streamState.ts";
import type { Stores } from "../stores.ts";
import { type CellsParams, readCells } from "./hotCellRows.ts";
import { type GivtRow, givtOfCells, mayCellsTellGivt, netClicksOf, readGivt } from "./hotGivt.ts";
import {
  linedHours,
  readClosedLines,
  rowsOfLines,
  tellsUsers,
  toLinedRows,
  unlinedExtents,
} from "./hotLineRows.ts";
import type { Extent, Extents, SettledHours } from "./hotSettled.ts";
import { readUniqueUsers, type UniqueUsers, wholeBuckets } from "./hotUsers.ts";
import { type MeasuredRow, mergeMeasured } from "./measures.ts";
import { type OpenRows, readOpenRows } from "./openHourRows.ts";
import type { ReadAt, ReportQuery } from "./reportQuery.ts";
import type { HotRange } from "./route.ts";

export type HotStores = Pick<Stores, "db" | "clickhouse" | "memo" | "recent" | "openHours">;

/** Of what report rows are read. */
export interface Reading {
  readonly query: ReportQuery;
  readonly range: HotRange & { readonly nowMs: number };
  readonly settled: SettledHours;
  readonly stream: Pick<StreamState, "watermarkMs">;
  readonly params: CellsParams;
}

/** Rows of a report with all but their users. */
interface Counts {
  readonly rows: readonly MeasuredRow[];
  /** Null where it was not known whether there would be too many. */
  readonly users: UniqueUsers | null;
  /** Null: now. */
  readonly readAt: ReadAt | null;
}

/**
 * Reads rows, and their users unless those may be too many.
 *
 * @param areFew Whether truth says beforehand that they are not.
 */
export async function readCounts(
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
  return { rows: withNetClicks(cells, givt), users, readAt: null };
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
  const lines = readClosedLines(stores, query, hours, { ...settled, currency: params.currency });
  // Whoever waits for it below is told; it goes on until then.
  lines.catch(() => {});
  const tells = tellsUsers(query);
  // Where sets of users are to be united all the same, cells are read beside them.
  const needsSets = areFew && !tells;
  const open = rest === null || needsSets ? null : await readOpen(stores, of, rest.all);
  const isTold = (rest === null || open !== null) && !needsSets;
  if (isTold) return toldByLines(of, await lines, open);
  const lined = lines.then((closed) => closed && toLinedRows(closed));
  const told = tells
    ? { toMs: hours.toMs, rows: lined.then((closed) => closed?.users ?? []) }
    : null;
  const [closed, { cells, givt }, users] = await Promise.all([
    lined,
    readRest(stores, of, rest),
    areFew ? readUniqueUsers(stores, query, range, params, settled, told) : null,
  ]);
  if (closed === null) return null;
  const rows = withNetClicks([...closed.cells, ...cells], [...closed.givt, ...givt]);
  return { rows, users, readAt: null };
}

/** Of closed hours and open ones, which are no two of one row. */
function toldByLines(
  { query, range }: Reading,
  closed: readonly HotLine[] | null,
  open: OpenRows | null,
): Counts | null {
  if (closed === null) return null;
  const tells = tellsUsers(query);
  const whole = tells ? wholeBuckets(query, range) : null;
  return {
    rows: rowsOfLines([...closed, ...(open?.lines ?? [])], whole),
    users: tells ? (row) => row.unique_users : null,
    readAt: open?.readAt ?? null,
  };
}

/** Rows that are told in parts, as one each. */
function withNetClicks(
  cells: readonly MeasuredRow[],
  givt: readonly GivtRow[],
): readonly MeasuredRow[] {
  const netClicks = netClicksOf(givt);
  return mergeMeasured([cells]).map((row) => ({ ...row, net_clicks: netClicks(row) }));
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
): Promise<{ readonly cells: readonly MeasuredRow[]; readonly givt: readonly GivtRow[] }> {
  if (rest === null) return { cells: [], givt: [] };
  const readEvidence = () => readGivt(stores, query, params, rest, settled);
  const [cells, evidence] = await Promise.all([
    readCells(stores, query, params, rest, settled),
    mayCellsTellGivt(rest, settled) ? null : readEvidence(),
  ]);
  return { cells, givt: evidence ?? givtOfCells(cells) ?? (await readEvidence()) };
}
