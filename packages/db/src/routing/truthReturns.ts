/**
 * Distinct users of several days without their sets: of each day those who were on none of the days before
 * it in the bucket, as counted when the days were published.
 */
import { type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import { truthLineReturns, truthReturns } from "../postgres/schema/returns.ts";
import { truthLines } from "../postgres/schema/truth.ts";
import type { TruthPointer } from "../queries/truthPointers.ts";
import type { Stores } from "../stores.ts";
import { tenantWhere } from "../tenant.ts";
import { byCampaignRow, campaignRowSchema } from "./campaignRows.ts";
import { type ComparedPin, comparePins, pinsTable } from "./comparedPins.ts";
import type { MeasuredRow } from "./measures.ts";
import type { ReportQuery } from "./reportQuery.ts";

const usersRowSchema = campaignRowSchema.extend({
  users: z.coerce.number().int().nonnegative(),
  /** Whether all days of the row were compared with just the versions that are asked for. */
  fits: z.boolean(),
});

/**
 * Rows with the users of whole versions; null if returns do not tell them all: where a row is of several
 * advertisers, or of some campaigns, or days were compared with other versions, or with fewer.
 *
 * @param buckets The bucket of each pin, epoch seconds.
 */
export async function withReturns(
  { db }: Pick<Stores, "db">,
  query: ReportQuery,
  pins: readonly TruthPointer[],
  buckets: readonly number[],
  rows: readonly MeasuredRow[],
): Promise<MeasuredRow[] | null> {
  const rowsOf = rowKind(query, pins);
  if (rowsOf === null) return null;
  const compared = comparePins(pins, buckets);
  const statement = rowsOf === "campaign" ? ofCampaigns : ofAdvertisers;
  const found = usersRowsSchema.parse((await db.execute(statement(query, compared))).rows);
  const usersOf = byCampaignRow(found, ({ users, fits }) => (fits ? users : Number.NaN));
  const told: MeasuredRow[] = [];
  for (const row of rows) {
    const users = row.unique_users ?? usersOf(row) ?? Number.NaN;
    if (Number.isNaN(users)) return null;
    told.push({ ...row, unique_users: users });
  }
  return told;
}

const usersRowsSchema = z.array(usersRowSchema);

/** Whose users a row tells: returns are those of one campaign, or of all of one advertiser. */
function rowKind(
  { dimensions, filters: { campaign } }: ReportQuery,
  pins: readonly TruthPointer[],
): "campaign" | "advertiser" | null {
  if (dimensions.includes("campaign") || campaign?.length === 1) return "campaign";
  if (campaign !== undefined) return null;
  if (dimensions.includes("advertiser")) return "advertiser";
  return new Set(pins.map(({ advertiserId }) => advertiserId)).size === 1 ? "advertiser" : null;
}

const split = (column: unknown, isAsked: boolean) => (isAsked ? sql`${column}` : sql`''`);
const returnedOf = (returned: unknown) => sql`coalesce((${returned})[pin.days], 0)`;

function ofAdvertisers({ scope, dimensions }: ReportQuery, pins: readonly ComparedPin[]): SQL {
  return sql`
    select pin.bucket,
      ${split(sql`pin.advertiser_id`, dimensions.includes("advertiser"))} as advertiser,
      '' as campaign, pin.currency,
      coalesce(sum(${truthReturns.uniqueUsers} - ${returnedOf(truthReturns.returned)}), 0) as users,
      bool_and(${truthReturns.version} is not null) as fits
    from ${pinsTable(pins)}
    where ${tenantWhere(scope, truthReturns.advertiserId)} or ${truthReturns.advertiserId} is null
    group by 1, 2, 3, 4`;
}

function ofCampaigns(
  { scope, dimensions, filters: { campaign } }: ReportQuery,
  pins: readonly ComparedPin[],
): SQL {
  const { uniqueUsers } = truthLines;
  return sql`
    select pin.bucket,
      ${split(truthLines.advertiserId, dimensions.includes("advertiser"))} as advertiser,
      ${split(truthLines.campaignId, dimensions.includes("campaign"))} as campaign, pin.currency,
      sum(${uniqueUsers} - ${returnedOf(truthLineReturns.returned)}) as users,
      bool_and(pin.days = 0 or ${truthReturns.version} is not null) as fits
    from ${pinsTable(pins)}
    join ${truthLines} on ${truthLines.advertiserId} = pin.advertiser_id
      and ${truthLines.billingDay} = pin.billing_day and ${truthLines.version} = pin.version
    left join ${truthLineReturns} on pin.days > 0
      and ${truthLineReturns.advertiserId} = ${truthReturns.advertiserId}
      and ${truthLineReturns.billingDay} = ${truthReturns.billingDay}
      and ${truthLineReturns.campaignId} = ${truthLines.campaignId}
    where ${tenantWhere(scope, truthLines.advertiserId)}
      and ${campaign === undefined ? sql`true` : sql`${truthLines.campaignId} = any(${sql.param([...campaign])}::text[])`}
    group by 1, 2, 3, 4`;
}
