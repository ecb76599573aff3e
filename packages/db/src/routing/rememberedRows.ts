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
import type { ReportQuery, ReportTraffic } from "./reportQuery.ts";
import { idsOf, nameRows } from "./reportRows.ts";
import type { Route } from "./route.ts";

/** What a report counted, before it is named. */
export interface MeasuredReport {
  readonly rows: readonly MeasuredRow[];
  readonly traffic: ReportTraffic;
  readonly usersOmitted: boolean;
}

/** The same without the rows, which are the text of a JSON array of `ReportRow`. */
export interface RowsText extends Omit<MeasuredReport, "rows"> {
  readonly rowsJson: string;
}

/** Where rows are remembered, and by what. */
export interface RowsQuestion {
  readonly memo: AnswerMemo;
  readonly asked: readonly unknown[];
}

/**
 * Whose rows may be seen, what is asked, whose they are, where they are read from and in which state that
 * is; null where somebody may be writing what they are read from.
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
): RowsQuestion | null {
  if (memo === undefined) return null;
  const { facts, route, settled, nowMs } = known;
  const { hot, truth } = route;
  const asked = ["reportRows", query, facts.register, truth, hot];
  if (hot === null) return { memo, asked };
  const { asOf, beforeMs, correctedMs, restAsOf } = settled;
  // Of these, each is what it was or fewer as time goes by, so how many they are says which.
  const whole = wholeBuckets(query, { ...hot, nowMs }).size;
  const state = [whole, beforeMs, asOf, correctedMs];
  const { hours, minutes } = hot.parts;
  if (hours !== null && hours.toMs <= beforeMs && minutes.length === 0) {
    return { memo, asked: [...asked, ...state] };
  }
  if (recent === undefined || restAsOf === null || !areMinutesKept(hot.parts, nowMs)) return null;
  return { memo: recent, asked: [...asked, ...state, restAsOf] };
}

/**
 * Rows under the names that things have now, counted unless the question was answered before.
 *
 * @throws whatever `count` throws; that is not remembered.
 */
export async function rememberedRows(
  stores: Pick<Stores, "db">,
  query: ReportQuery,
  { accounts, question }: { accounts: readonly Account[]; question: RowsQuestion | null },
  count: () => Promise<MeasuredReport>,
): Promise<RowsText> {
  const told = question?.memo.known(question.asked);
  if (told !== undefined) {
    const { ids, ...summary } = toldSchema.parse(JSON.parse(told));
    const names = await namesOf(stores, query.scope, ids);
    const rowsJson = question?.memo.known(namedQuestion(question, names));
    if (rowsJson !== undefined) return { ...summary, rowsJson };
  }
  const { rows, ...summary } = await count();
  const ids = idsOf(rows);
  const names = await namesOf(stores, query.scope, ids);
  const rowsJson = JSON.stringify(nameRows(query, rows, accounts, names));
  question?.memo.keep(question.asked, JSON.stringify({ ...summary, ids }));
  question?.memo.keep(namedQuestion(question, names), rowsJson);
  return { ...summary, rowsJson };
}

function namedQuestion({ asked }: RowsQuestion, { campaigns, ads }: Names): unknown[] {
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
