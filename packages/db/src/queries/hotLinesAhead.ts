/** Lines of a series that nobody has asked for yet, with all that they depend on. */
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { asc, sql } from "drizzle-orm";
import { preparedOnce } from "../postgres/prepared.ts";
import { advertisers } from "../postgres/schema/advertisers.ts";
import type { Stores } from "../stores.ts";
import { preparedTenantWhere, type TenantScope, tenantKindIn } from "../tenant.ts";
import {
  type HotLinesAsked,
  type LineKind,
  lineKindOf,
  lineParams,
  linesQuestion,
  linesTextSql,
} from "./hotLines.ts";
import {
  type HotHoursState,
  hotHoursParams,
  hotHoursSchema,
  hotHoursSql,
  rolledThroughSql,
} from "./streamState.ts";

/** A series of whole hours. */
export type SeriesAsked = Omit<HotLinesAsked, "bucketsMs" | "currency">;

/** Of one snapshot. */
export interface LinesAhead {
  /** Up to where hours are rolled up, epoch milliseconds; null: nowhere. */
  readonly rolledThroughMs: number | null;
  readonly hotHours: HotHoursState;
  /** Where its lines end: with the series, or before. */
  readonly toMs: number;
  /** Whether there is a line of the very hour that it begins in. */
  readonly beginsWithLine: boolean;
  /** Remembers the lines for `readHotLines`. @param asOf What follows from the state above. */
  readonly keep: (asOf: readonly unknown[]) => void;
}

/** @returns null where the series was read before, or nothing is remembered. */
export async function readLinesAhead(
  { db, memo }: Pick<Stores, "db" | "memo">,
  scope: TenantScope,
  asked: SeriesAsked,
): Promise<LinesAhead | null> {
  const question = ["hotLinesAhead", scope, asked];
  if (memo === undefined || memo.known(question) !== undefined) return null;
  memo.keep(question, "");
  const { lines, currency, ...state } = await readAhead({ db }, scope, asked);
  const rolledThroughMs = state.rolledThroughMs === null ? null : Number(state.rolledThroughMs);
  const toMs = Math.min(rolledThroughMs ?? asked.fromMs, asked.toMs);
  return {
    rolledThroughMs,
    toMs,
    hotHours: hotHoursSchema.parse(JSON.parse(state.hotHours)),
    beginsWithLine: lines.includes(`[${asked.fromMs / SECOND_MS}, `),
    keep(asOf) {
      if (toMs <= asked.fromMs) return;
      memo.keep(linesQuestion(scope, { ...asked, toMs, bucketsMs: null, currency }, asOf), lines);
    },
  };
}

/** The same as it comes. */
export async function readAhead(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  asked: SeriesAsked,
) {
  const { fromMs, toMs, campaigns, rowsMax } = asked;
  const [row] = await statementOf(db, lineKindOf(scope, "hours", asked)).execute({
    ...lineParams(scope, { campaigns, rowsMax }),
    ...hotHoursParams(asked),
    from: new Date(fromMs).toISOString(),
    last: new Date(toMs - HOUR_MS).toISOString(),
  });
  if (row === undefined) throw new RangeError("a statement of constants has no row");
  return row;
}

const statementOf = preparedOnce((db, kind: LineKind) => {
  const tenant = tenantKindIn(kind);
  // As a report names rows of whom no account is known.
  const currency = db
    .select({ currency: advertisers.currency })
    .from(advertisers)
    .where(preparedTenantWhere(tenant, advertisers.id))
    .orderBy(asc(advertisers.id))
    .limit(1);
  const known = sql<string>`coalesce((${currency}), '')`;
  const last = sql`least(${sql.placeholder("last")}::timestamptz,
    to_timestamp((${rolledThroughSql()}) / 1000.0) - interval '1 hour')`;
  const hours = { from: sql`${sql.placeholder("from")}::timestamptz`, last };
  return db
    .select({
      rolledThroughMs: sql<string | null>`(${rolledThroughSql()})::text`,
      hotHours: sql<string>`(${hotHoursSql()})::text`,
      currency: known,
      lines: linesTextSql(kind, hours, known),
    })
    .from(sql`(values (1)) as one (row)`)
    .prepare(`hot_lines_ahead_${kind}`);
});
