/** What is told of closed hours by their lines, in Postgres: series without the engine. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { and, eq, type SQL, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import { preparedOnce } from "../postgres/prepared.ts";
import { advertisers } from "../postgres/schema/advertisers.ts";
import { hotLineHours, hotLines } from "../postgres/schema/hotLines.ts";
import type { Stores } from "../stores.ts";
import {
  preparedTenantWhere,
  type TenantKind,
  type TenantScope,
  tenantKindIn,
  tenantKindOf,
  tenantParams,
} from "../tenant.ts";
import { type HotLine, parseHotLines } from "./parseHotLines.ts";

/** Lines of advertisers that a question about all of them may read; the engine takes longer ones. */
const LINES_READ_MAX = 100_000;

export interface HotLinesAsked extends InstantRange {
  /** Starts of buckets, ascending, epoch milliseconds, the first not later than the range; null: hours. */
  readonly bucketsMs: readonly number[] | null;
  readonly byAdvertiser: boolean;
  readonly byCampaign: boolean;
  /** Null: all. */
  readonly campaigns: readonly string[] | null;
  /** Of whom no account is known. */
  readonly currency: string;
  readonly rowsMax: number;
}

/**
 * Reads lines of whole hours, once as long as they are remembered.
 *
 * @param asOf Differs whenever any line may.
 * @returns null where some hour has no lines, or has too many: ask the engine.
 * @throws {RangeError} if a number would not be exact.
 */
export async function readHotLines(
  { db, memo }: Pick<Stores, "db" | "memo">,
  scope: TenantScope,
  asked: HotLinesAsked,
  asOf: readonly unknown[],
): Promise<readonly HotLine[] | null> {
  const read = () => readText({ db }, scope, asked);
  const told = await (memo?.answer(linesQuestion(scope, asked, asOf), read) ?? read());
  return told === NONE ? null : parseHotLines(told);
}

/** By what a text of lines is remembered. */
export function linesQuestion(
  scope: TenantScope,
  {
    fromMs,
    toMs,
    bucketsMs,
    byAdvertiser,
    byCampaign,
    campaigns,
    currency,
    rowsMax,
  }: HotLinesAsked,
  asOf: readonly unknown[],
): unknown[] {
  const grain = [byAdvertiser, byCampaign, campaigns];
  return ["hotLines", scope, fromMs, toMs, bucketsMs, ...grain, currency, rowsMax, asOf];
}

/** An answer that is no array of lines. */
const NONE = "";

async function readText(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  { fromMs, toMs, bucketsMs, byAdvertiser, byCampaign, campaigns, ...others }: HotLinesAsked,
): Promise<string> {
  const spans = bucketsMs === null ? "hours" : "buckets";
  const kind = lineKindOf(scope, spans, { byAdvertiser, byCampaign, campaigns });
  const [row] = await statementOf(db, kind).execute({
    ...lineParams(scope, { campaigns, rowsMax: others.rowsMax }),
    currency: others.currency,
    from: new Date(fromMs).toISOString(),
    last: new Date(toMs - HOUR_MS).toISOString(),
    ...(bucketsMs === null ? {} : { buckets: bucketsMs.map((ms) => Math.floor(ms / SECOND_MS)) }),
  });
  if (row === undefined) throw new RangeError("a statement of constants has no row");
  return row.lines;
}

/** Which lines are read, and into which rows. */
export type LineKind =
  `${TenantKind}_${"chosen" | "campaigns" | "advertisers"}_${"hours" | "buckets"}_${string}`;

export function lineKindOf(
  scope: TenantScope,
  spans: "hours" | "buckets",
  { byAdvertiser, byCampaign, campaigns }: Omit<LinesAsked, "rowsMax">,
): LineKind {
  const grain = campaigns !== null ? "chosen" : byCampaign ? "campaigns" : "advertisers";
  const groups = `${byAdvertiser ? "advertiser" : ""}${byCampaign ? "campaign" : ""}` as const;
  return `${tenantKindOf(scope)}_${grain}_${spans}_${groups}`;
}

type LinesAsked = Pick<HotLinesAsked, "byAdvertiser" | "byCampaign" | "campaigns" | "rowsMax">;

/** Past any number of lines: one tenant's are few. */
const UNBOUNDED = 2 ** 53;

/** The values of `linesTextSql`, but for those of its arguments. */
export function lineParams(
  scope: TenantScope,
  { campaigns, rowsMax }: Pick<LinesAsked, "campaigns" | "rowsMax">,
) {
  return {
    ...tenantParams(scope),
    ...(campaigns === null ? {} : { campaigns: [...campaigns] }),
    linesMax: scope.kind === "all" ? LINES_READ_MAX : UNBOUNDED,
    rowsMax,
  };
}

const statementOf = preparedOnce((db, kind: LineKind) => {
  const [from, last] = [sql.placeholder("from"), sql.placeholder("last")];
  const hours = { from: sql`${from}::timestamptz`, last: sql`${last}::timestamptz` };
  return db
    .select({ lines: linesTextSql(kind, hours, sql`${sql.placeholder("currency")}`) })
    .from(sql`(values (1)) as one (row)`)
    .prepare(`hot_lines_${kind}`);
});

/**
 * SQL of a text of lines, of one snapshot: whether all hours have lines, and what they are.
 * The lines are read only if so. To be prepared, by `lineParams`.
 *
 * @param asked Starts of the first hour and the last. @param currency Of whom no account is known.
 */
export function linesTextSql(
  kind: LineKind,
  asked: { readonly from: SQL; readonly last: SQL },
  currency: SQL,
): SQL<string> {
  const who = tenantKindIn(kind);
  const [, grain, spans, groups = ""] = kind.split("_");
  const { from, last } = asked;
  const hours = sql`array(select generate_series(${from}, ${last}, interval '1 hour'))`;
  const where = and(
    // Of one advertiser they lie together in an index of its own, of all in that of each hour.
    who === "all"
      ? sql`${hotLines.eventHour} = any(${hours})`
      : sql`${hotLines.eventHour} between ${from} and ${last}`,
    grain === "advertisers" ? sql`not ${hotLines.ofCampaign}` : sql`${hotLines.ofCampaign}`,
    preparedTenantWhere(who, hotLines.advertiserId),
    grain === "chosen"
      ? sql`${hotLines.campaignId} = any(${sql.placeholder("campaigns")}::text[])`
      : undefined,
  );
  const byCampaign = groups.includes("campaign");
  const ifAsked = (word: string, column: AnyPgColumn) =>
    groups.includes(word) ? sql`${column}` : sql`''`;
  // Of one advertiser, each line is a row, and nothing has to be added up.
  const isRow = who === "one" && spans === "hours" && (grain === "advertisers" || byCampaign);
  const added = (column: AnyPgColumn) => (isRow ? sql`${column}` : sql`sum(${column})`);
  const users = isRow
    ? sql`${hotLines.uniqueUsers}`
    : sql`case when count(*) = 1 then max(${hotLines.uniqueUsers}) end`;
  const found = sql`
    select ${spans === "hours" ? HOUR : BUCKET} as bucket, ${ifAsked("advertiser", hotLines.advertiserId)} as advertiser,
      ${ifAsked("campaign", hotLines.campaignId)} as campaign,
      coalesce(${advertisers.currency}, ${currency}) as currency,
      ${added(hotLines.clicks)} as c1, ${added(hotLines.invalidClicks)} as c2,
      ${added(hotLines.givtClicks)} as c3, ${added(hotLines.duplicateClicks)} as c4,
      ${added(hotLines.impressions)} as c5, ${added(hotLines.conversions)} as c6,
      ${added(hotLines.costMicros)} as c7, ${users} as c8
    from ${hotLines} left join ${advertisers} on ${eq(advertisers.id, hotLines.advertiserId)}
    where ${where}
    ${isRow ? sql`` : sql`group by 1, 2, 3, 4`}
    limit ${sql.placeholder("rowsMax")}`;
  return sql<string>`case
    when (select count(*) = cardinality(${hours})
        and coalesce(sum(${hotLineHours.advertiserLines}), 0) <= ${sql.placeholder("linesMax")}::bigint
      from ${hotLineHours}
      where ${hotLineHours.eventHour} = any(${hours}) and ${hotLineHours.state} = 'kept')
    then (select coalesce(json_agg(json_build_array(bucket, advertiser, campaign, currency, c1, c2,
        c3, c4, c5, c6, c7, c8)), '[]')::text from (${found}) as found)
    else ${NONE} end`;
}

const BUCKETS = sql`${sql.placeholder("buckets")}::bigint[]`;

const HOUR = sql`extract(epoch from ${hotLines.eventHour})::bigint`;

/** The start of the bucket of a line. To look for it takes longer, the more there are. */
const BUCKET = sql`(${BUCKETS})[width_bucket(${HOUR}, ${BUCKETS})]`;

/** Whether the hot store tells of a tenant by lines of one hour: it had counted something of it by then. */
export async function hasHotLines(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  hourMs: number,
): Promise<boolean> {
  const [row] = await hasStatementOf(db, tenantKindOf(scope)).execute({
    ...tenantParams(scope),
    hour: new Date(hourMs).toISOString(),
  });
  return row?.isThere ?? false;
}

const hasStatementOf = preparedOnce((db, kind: TenantKind) => {
  const where = and(
    sql`${hotLines.eventHour} = ${sql.placeholder("hour")}::timestamptz`,
    sql`not ${hotLines.ofCampaign}`,
    preparedTenantWhere(kind, hotLines.advertiserId),
  );
  return db
    .select({ isThere: sql<boolean>`exists (select from ${hotLines} where ${where})` })
    .from(sql`(values (1)) as one (row)`)
    .prepare(`has_hot_lines_${kind}`);
});
