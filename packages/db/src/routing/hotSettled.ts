/** Which part of the hot store's answer changes no more unless Postgres says so. Pure. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { SECOND_MS } from "@trueclick/shared/time";
import { z } from "zod";
import type { HotHoursState } from "../queries/streamState.ts";
import { bucketStartsMs } from "./buckets.ts";
import { type HotParts, settledPartsOf } from "./hotParts.ts";
import type { ReportQuery } from "./reportQuery.ts";

/** SQL by which a row says that it is of the settled part; a constant where all are, or none is. */
export type SettledSql = "0" | "1" | "t >= {settled_from: Int64} AND t < {settled_to: Int64}";
export const settledColumn = { settled: z.coerce.number().transform((flag) => flag === 1) };

/**
 * Hours before an instant, and the state in which they are so.
 *
 * Hours that are rolled up have closed in every partition: the stream writes nothing more of them. Whatever
 * is written to them afterwards, by the rollup or a backfill, belongs to an hour that was marked dirty
 * before it and is marked healed after it, or to a step after which the border moves. So as long as no
 * hour is dirty, none was healed since and the border is where it was, rows that were read once are
 * what would be read now. What a deposed owner writes is marked when it is noticed, and read from then on.
 */
export interface SettledHours {
  /** Epoch milliseconds; 0 for none. */
  readonly beforeMs: number;
  /** Differs whenever anything before `beforeMs` may. */
  readonly asOf: readonly unknown[];
  /** Evidence of later hours was never corrected; epoch milliseconds. */
  readonly correctedMs: number;
  /** Differs whenever anything later may; null while somebody may be writing, or counting an hour again. */
  readonly restAsOf: readonly unknown[] | null;
  /** The hours that nothing is rolled up of; null where none is rolled up, or that was not asked. */
  readonly open: OpenHoursState | null;
}

interface OpenHoursState {
  /** Where they begin, epoch milliseconds. */
  readonly fromMs: number;
  /** Another text whenever the stream has written more; null while somebody may be writing. */
  readonly written: string | null;
}

/**
 * @param state Read before any row is; null where it was not asked, and nothing is settled.
 * @param written Of the stream's state, and read before any row, too.
 */
export function settledHours(
  rolledThroughMs: number | null,
  state: HotHoursState | null,
  written: string | null = null,
): SettledHours {
  if (state === null) {
    const correctedMs = Number.POSITIVE_INFINITY;
    return { beforeMs: 0, asOf: [], correctedMs, restAsOf: null, open: null };
  }
  const { dirtyMs, healed, markedMs } = state;
  const correctedMs = markedMs ?? Number.NEGATIVE_INFINITY;
  const asOf = [rolledThroughMs, healed];
  const restAsOf = dirtyMs === null && written !== null ? [...asOf, written] : null;
  if (rolledThroughMs === null) {
    return { beforeMs: 0, asOf: [], correctedMs, restAsOf, open: null };
  }
  const beforeMs = Math.min(rolledThroughMs, dirtyMs ?? rolledThroughMs);
  const open = { fromMs: rolledThroughMs, written: restAsOf === null ? null : written };
  return { beforeMs, asOf, correctedMs, restAsOf, open };
}

/** One of three parts of what a statement may read: everything, what is settled, or all else. */
export interface Extent {
  readonly parts: HotParts;
  /** What of the evidence, without what is spared. Epoch seconds. */
  readonly from: number;
  readonly to: number;
  readonly spared_from: number;
  readonly spared_to: number;
}

export interface Extents {
  readonly all: Extent;
  readonly settled: Extent | null;
  readonly rest: Extent | null;
  /** Where the settled part starts and ends, epoch seconds; both 0 where there is none. */
  readonly border: SettledParams;
}

export interface SettledParams extends Record<string, unknown> {
  readonly settled_from: number;
  readonly settled_to: number;
}

const NONE_SETTLED: SettledParams = { settled_from: 0, settled_to: 0 };

/** What such rows are grouped by more; a constant tells none apart. */
export const settledGroup = (settled: SettledSql) => (settled.length > 1 ? ", settled" : "");

/** That of the rows of everything that is read. */
export function settledSql({ settled_to }: SettledParams): SettledSql {
  return settled_to === 0 ? "0" : "t >= {settled_from: Int64} AND t < {settled_to: Int64}";
}

/** @param range In epoch seconds, as counted: the first minute or hour is in it whole. */
export function extentsOf(
  parts: HotParts,
  range: { readonly from: number; readonly to: number },
  { beforeMs }: SettledHours,
): Extents {
  const { from, to } = range;
  const nothing = { spared_from: 0, spared_to: 0 };
  const all = { parts, from, to, ...nothing };
  const { settled: hours, rest: others } = settledPartsOf(parts, beforeMs);
  if (hours === null) return { all, settled: null, rest: all, border: NONE_SETTLED };
  const settledTo = Math.min(Math.ceil(hours.toMs / SECOND_MS), to);
  // Minutes come before the hours where the range cuts an hour; all hours start with a whole one then.
  const hasHead = parts.minutes.some(({ fromMs }) => fromMs < hours.fromMs);
  const settledFrom = hasHead ? Math.floor(hours.fromMs / SECOND_MS) : from;
  const settled = {
    parts: { hours, minutes: [] },
    ...{ from: settledFrom, to: settledTo, ...nothing },
  };
  const border = { settled_from: settledFrom, settled_to: settledTo };
  if (others === null) return { all, settled, rest: null, border };
  const rest = hasHead
    ? { parts: others, from, to, spared_from: settledFrom, spared_to: settledTo }
    : { parts: others, from: settledTo, to, ...nothing };
  return { all, settled, rest, border };
}

/** The same of sets of users, which no two parts of a bucket add up to: cut between buckets. */
export function userRangesOf(
  query: ReportQuery,
  range: InstantRange,
  { beforeMs }: SettledHours,
): {
  readonly all: InstantRange;
  readonly settled: InstantRange | null;
  readonly rest: InstantRange | null;
} {
  const borderMs = Math.min(beforeMs, range.toMs);
  const cutMs =
    borderMs === range.toMs
      ? borderMs
      : Math.max(range.fromMs, ...bucketStartsMs(query).filter((startMs) => startMs <= borderMs));
  if (borderMs <= range.fromMs || cutMs <= range.fromMs)
    return { all: range, settled: null, rest: range };
  const settled = { fromMs: range.fromMs, toMs: cutMs };
  const rest = cutMs < range.toMs ? { fromMs: cutMs, toMs: range.toMs } : null;
  return { all: range, settled, rest };
}
