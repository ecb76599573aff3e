/** What is told of closed hours by their lines, in Postgres: series without the engine. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { HOUR_MS, SECOND_MS } from "@trueclick/shared/time";
import { and, eq, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import { z } from "zod";
import { preparedOnce } from "../postgres/prepared.ts";
import { advertisers } from "../postgres/schema/advertisers.ts";
import { hotLineHours, hotLines } from "../postgres/schema/hotLines.ts";
import type { Stores } from "../stores.ts";
import { preparedTenantWhere, type TenantScope, tenantParams } from "../tenant.ts";

/** Lines of advertisers that a question about all of them may read; the engine takes longer ones. */
const LINES_READ_MAX = 100_000;

/** The lines of a bucket that are of one advertiser or campaign where that was asked for, added up. */
export interface HotLine {
  /** Start of the bucket, epoch seconds. */
  readonly bucket: number;
  /** Empty unless it was asked for. */
  readonly advertiser: string;
  readonly campaign: string;
  readonly currency: string;
  readonly clicks: number;
  readonly invalidClicks: number;
  readonly givtClicks: number;
  readonly duplicateClicks: number;
  readonly impressions: number;
  readonly conversions: number;
  readonly costMicros: number;
  /** Null where they are not known, or the lines are more than one, whose users do not add up. */
  readonly uniqueUsers: number | null;
}

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

const count = z.number().int().nonnegative();
const lineSchema = z
  .tuple([
    ...[z.number().int(), z.string(), z.string(), z.string()],
    ...[count, count, count, count, count, count, z.number().int(), count.nullable()],
  ] as const)
  .transform(
    ([bucket, advertiser, campaign, currency, clicks, invalidClicks, ...others]): HotLine => {
      const [givtClicks, duplicateClicks, impressions, conversions, costMicros, users] = others;
      const counts = { clicks, invalidClicks, givtClicks, duplicateClicks, impressions };
      const row = { bucket, advertiser, campaign, currency, ...counts };
      return { ...row, conversions, costMicros, uniqueUsers: users };
    },
  );
const linesSchema = z.array(lineSchema);

/**
 * Reads lines of whole hours, once as long as they are remembered.
 *
 * @param asOf Differs whenever any line may.
 * @returns null where some hour has no lines, or has too many: ask the engine.
 * @throws {z.ZodError} if a number would not be exact.
 */
export async function readHotLines(
  { db, memo }: Pick<Stores, "db" | "memo">,
  scope: TenantScope,
  asked: HotLinesAsked,
  asOf: readonly unknown[],
): Promise<readonly HotLine[] | null> {
  const read = () => readText({ db }, scope, asked);
  const told = await (memo?.answer(["hotLines", scope, asked, asOf], read) ?? read());
  return told === NONE ? null : linesSchema.parse(JSON.parse(told));
}

/** An answer that is no array of lines. */
const NONE = "";

async function readText(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  { fromMs, toMs, bucketsMs, byAdvertiser, byCampaign, campaigns, ...others }: HotLinesAsked,
): Promise<string> {
  const grain = campaigns !== null ? "chosen" : byCampaign ? "campaigns" : "advertisers";
  const groups = `${byAdvertiser ? "advertiser" : ""}${byCampaign ? "campaign" : ""}`;
  const spans = bucketsMs === null ? "hours" : "buckets";
  const [row] = await statementOf(db, `${scope.kind}_${grain}_${spans}_${groups}`).execute({
    ...tenantParams(scope),
    ...(campaigns === null ? {} : { campaigns: [...campaigns] }),
    from: new Date(fromMs).toISOString(),
    last: new Date(toMs - HOUR_MS).toISOString(),
    hours: (toMs - fromMs) / HOUR_MS,
    linesMax: scope.kind === "all" ? LINES_READ_MAX : UNBOUNDED,
    ...(bucketsMs === null ? {} : { buckets: bucketsMs.map((ms) => Math.floor(ms / SECOND_MS)) }),
    ...others,
  });
  if (row === undefined) throw new RangeError("a statement of constants has no row");
  return row.lines;
}

/** Past any number of lines: one tenant's are few. */
const UNBOUNDED = 2 ** 53;

type Kind =
  `${TenantScope["kind"]}_${"chosen" | "campaigns" | "advertisers"}_${"hours" | "buckets"}_${string}`;

const statementOf = preparedOnce((db, kind: Kind) => {
  const [who, grain, spans, groups = ""] = kind.split("_");
  const where = and(
    sql`${hotLines.eventHour} = any(${ASKED_HOURS})`,
    grain === "advertisers" ? sql`not ${hotLines.ofCampaign}` : sql`${hotLines.ofCampaign}`,
    preparedTenantWhere(who === "all" ? "all" : "advertisers", hotLines.advertiserId),
    grain === "chosen"
      ? sql`${hotLines.campaignId} = any(${sql.placeholder("campaigns")}::text[])`
      : undefined,
  );
  const ifAsked = (word: string, column: AnyPgColumn) =>
    groups.includes(word) ? sql`${column}` : sql`''`;
  const found = sql`
    select ${spans === "hours" ? HOUR : BUCKET} as bucket, ${ifAsked("advertiser", hotLines.advertiserId)} as advertiser,
      ${ifAsked("campaign", hotLines.campaignId)} as campaign,
      coalesce(${advertisers.currency}, ${sql.placeholder("currency")}) as currency,
      sum(${hotLines.clicks}) as c1, sum(${hotLines.invalidClicks}) as c2,
      sum(${hotLines.givtClicks}) as c3, sum(${hotLines.duplicateClicks}) as c4,
      sum(${hotLines.impressions}) as c5, sum(${hotLines.conversions}) as c6,
      sum(${hotLines.costMicros}) as c7,
      case when count(*) = 1 then max(${hotLines.uniqueUsers}) end as c8
    from ${hotLines} left join ${advertisers} on ${eq(advertisers.id, hotLines.advertiserId)}
    where ${where}
    group by 1, 2, 3, 4
    limit ${sql.placeholder("rowsMax")}`;
  // Of one snapshot: whether all hours are there, and what is. The lines are read only if so.
  return db
    .select({
      lines: sql<string>`case
        when (select count(*) = ${sql.placeholder("hours")}
            and coalesce(sum(${hotLineHours.advertiserLines}), 0) <= ${sql.placeholder("linesMax")}::bigint
          from ${hotLineHours}
          where ${hotLineHours.eventHour} = any(${ASKED_HOURS}) and ${hotLineHours.state} = 'kept')
        then (select coalesce(json_agg(json_build_array(bucket, advertiser, campaign, currency, c1, c2,
            c3, c4, c5, c6, c7, c8)), '[]')::text from (${found}) as found)
        else ${NONE} end`,
    })
    .from(sql`(values (1)) as one (row)`)
    .prepare(`hot_lines_${kind}`);
});

const ASKED_HOURS = sql`array(select generate_series(${sql.placeholder("from")}::timestamptz,
  ${sql.placeholder("last")}::timestamptz, interval '1 hour'))`;

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
  const [row] = await hasStatementOf(db, scope.kind).execute({
    ...tenantParams(scope),
    hour: new Date(hourMs).toISOString(),
  });
  return row?.isThere ?? false;
}

const hasStatementOf = preparedOnce((db, kind: TenantScope["kind"]) => {
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
