/** The rows of a report as text, remembered by all that they depend on. */
import { z } from "zod";
import { type Names, namesOf } from "../queries/advertisers.ts";
import type { AnswerMemo } from "../queries/answerMemo.ts";
import type { Account, ReportFacts } from "../queries/reportFacts.ts";
import type { Stores } from "../stores.ts";
import { areMinutesKept } from "./hotParts.ts";
import type { SettledHours } from "./hotSettled.ts";
import { wholeBuckets } from "./hotUsers.ts";
import type { MeasuredRow } from "./measures.ts";
import type { DatedRows, ReadAt, ReportQuery, ReportTraffic } from "./reportQuery.ts";
import { idsOf, nameRows } from "./reportRows.ts";
import type { Route } from "./route.ts";

/** What a report counted, before it is named. */
export interface MeasuredReport {
  readonly rows: readonly MeasuredRow[];
  readonly traffic: ReportTraffic;
  readonly usersOmitted: boolean;
  /** Of when they are, if that is a moment ago; null: now. */
  readonly readAt: ReadAt | null;
}

/** By what rows are remembered. Each question has whose rows may be seen in it. */
export interface RowsQuestion {
  /** For as long as nothing that they are read from may have changed; null where somebody may be writing. */
  readonly exact: { readonly memo: AnswerMemo; readonly asked: readonly unknown[] } | null;
  /** For a moment, whatever the stream writes meanwhile; null for rows that it writes nothing to. */
  readonly latest: readonly unknown[] | null;
}

/**
 * Whose rows may be seen, what is asked, whose they are, where they are read from and in which state that
 * is.
 *
 * @param query With the scope that it is read by, which is a part of the question (invariant I10).
 */
export function rowsQuestion(
  { memo, recent }: Pick<Stores, "memo" | "recent">,
  { asOfMs: _, ...query }: ReportQuery,
  known: {
    readonly facts: ReportFacts;
    readonly route: Route;
    readonly settled: SettledHours;
    readonly nowMs: number;
  },
): RowsQuestion {
  if (memo === undefined) return { exact: null, latest: null };
  const { facts, route, settled, nowMs } = known;
  const { hot, truth } = route;
  const asked = ["reportRows", query, facts.register, truth, hot];
  if (hot === null) return { exact: { memo, asked }, latest: null };
  const { asOf, beforeMs, correctedMs, restAsOf } = settled;
  // Of these, each is what it was or fewer as time goes by, so how many they are says which.
  const whole = wholeBuckets(query, { ...hot, nowMs }).size;
  const state = [whole, beforeMs, asOf, correctedMs];
  const { hours, minutes } = hot.parts;
  if (hours !== null && hours.toMs <= beforeMs && minutes.length === 0) {
    return { exact: { memo, asked: [...asked, ...state] }, latest: null };
  }
  if (!areMinutesKept(hot.parts, nowMs)) return { exact: null, latest: null };
  const latest = [...asked, ...state];
  if (recent === undefined || restAsOf === null) return { exact: null, latest };
  return { exact: { memo: recent, asked: [...latest, restAsOf] }, latest };
}

interface RowsContext {
  readonly accounts: readonly Account[];
  readonly question: RowsQuestion;
  /** When it is asked, before anything was read of it. */
  readonly nowMs: number;
  /** The stream's, as it was read before any row. */
  readonly watermarkMs: number | null;
}

/**
 * Rows under the names that things have, counted unless the question was answered before. Where the stream
 * is writing to them, they may be those of a moment ago, and say so.
 *
 * @throws whatever `count` throws; that is not remembered.
 */
export async function rememberedRows(
  stores: Pick<Stores, "db" | "latest">,
  query: ReportQuery,
  context: RowsContext,
  count: () => Promise<MeasuredReport>,
): Promise<DatedRows> {
  const { question, nowMs, watermarkMs } = context;
  const date = { readAtMs: nowMs, watermarkMs };
  const known = await knownRows(stores, query, question);
  if (known !== null) {
    const dated = { ...known, ...date };
    if (question.latest !== null) stores.latest?.keep(question.latest, dated);
    return dated;
  }
  const read = async () => {
    const { readAt, ...counted } = await countedRows(stores, query, context, count);
    return { ...counted, ...(readAt ?? date) };
  };
  if (question.latest === null || stores.latest === undefined) return read();
  return stores.latest.answer(question.latest, nowMs, read);
}

type UndatedRows = Omit<DatedRows, "readAtMs" | "watermarkMs">;

async function knownRows(
  stores: Pick<Stores, "db">,
  { scope }: ReportQuery,
  { exact }: RowsQuestion,
): Promise<UndatedRows | null> {
  const told = exact?.memo.known(exact.asked);
  if (exact === null || told === undefined) return null;
  const { ids, ...summary } = toldSchema.parse(JSON.parse(told));
  const names = await namesOf(stores, scope, ids);
  const rowsJson = exact.memo.known(namedQuestion(exact.asked, names));
  return rowsJson === undefined ? null : { ...summary, rowsJson };
}

async function countedRows(
  stores: Pick<Stores, "db">,
  query: ReportQuery,
  { accounts, question: { exact } }: RowsContext,
  count: () => Promise<MeasuredReport>,
): Promise<UndatedRows & Pick<MeasuredReport, "readAt">> {
  const { rows, readAt, ...summary } = await count();
  const ids = idsOf(rows);
  const names = await namesOf(stores, query.scope, ids);
  const rowsJson = JSON.stringify(nameRows(query, rows, accounts, names));
  const told = { ...summary, rowsJson, readAt };
  // What was so before the state that is asked of is no answer to whoever asks of that.
  if (exact === null || readAt !== null) return told;
  exact.memo.keep(exact.asked, JSON.stringify({ ...summary, ids }));
  exact.memo.keep(namedQuestion(exact.asked, names), rowsJson);
  return told;
}

function namedQuestion(asked: readonly unknown[], { campaigns, ads }: Names): unknown[] {
  return [...asked, "named", [...campaigns], [...ads].map(([ad, names]) => [ad, [...names]])];
}

const count = z.number();

const toldSchema = z.object({
  traffic: z.object({
    gross_clicks: count,
    net_clicks: count.nullable(),
    total_net_clicks: count,
    invalid_rate: count.nullable(),
    decision_rate: count.nullable(),
  }),
  usersOmitted: z.boolean(),
  ids: z.object({ campaignIds: z.array(z.string()), adIds: z.array(z.string()) }),
});
