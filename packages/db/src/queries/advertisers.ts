import type { AdvertiserId, CampaignId } from "@trueclick/shared/ids";
import { and, asc, count, desc, eq, gt, lte, sql } from "drizzle-orm";
import type { AnyPgColumn } from "drizzle-orm/pg-core";
import type { Database } from "../postgres/database.ts";
import { preparedOnce } from "../postgres/prepared.ts";
import { advertisers } from "../postgres/schema/advertisers.ts";
import { ads, campaigns, rateCards } from "../postgres/schema/campaigns.ts";
import type { Stores } from "../stores.ts";
import {
  preparedTenantWhere,
  type TenantKind,
  type TenantScope,
  tenantKindOf,
  tenantParams,
  tenantWhere,
} from "../tenant.ts";

/** Most rows that a list answers at once; a longer list is read on from the last row's id. */
export const LIST_ROWS_MAX = 10_000;

export interface AdvertiserRow {
  readonly id: AdvertiserId;
  readonly name: string;
  readonly timeZone: string;
  readonly currency: string;
  readonly settlingHours: number;
  readonly createdAt: Date;
}

interface ListPage {
  /** Only rows with a greater id. */
  readonly afterId?: string | undefined;
  /** At most `LIST_ROWS_MAX`, which is also the default. */
  readonly limit?: number | undefined;
}

/** The advertisers of a scope, by id. */
export function listAdvertisers(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  page: ListPage = {},
): Promise<AdvertiserRow[]> {
  return db
    .select()
    .from(advertisers)
    .where(and(tenantWhere(scope, advertisers.id), afterId(advertisers.id, page)))
    .orderBy(asc(advertisers.id))
    .limit(rowsMax(page));
}

/** How many advertisers a scope has that are known. */
export async function countAdvertisers(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
): Promise<number> {
  const [row] = await countOf(db, tenantKindOf(scope)).execute(tenantParams(scope));
  return row?.known ?? 0;
}

const countOf = preparedOnce((db, kind: TenantKind) =>
  db
    .select({ known: count() })
    .from(advertisers)
    .where(preparedTenantWhere(kind, advertisers.id))
    .prepare(`advertisers_known_${kind}`),
);

export interface CampaignRow {
  readonly id: CampaignId;
  readonly advertiserId: AdvertiserId;
  readonly name: string;
  readonly currency: string;
  readonly dailyBudgetMicros: bigint | null;
  /** Inclusive; null while it has always run. */
  readonly startsAt: Date | null;
  /** Exclusive; null while it has no planned end. */
  readonly endsAt: Date | null;
  /** The rate in force now; null before the first one. */
  readonly cpcMicros: bigint | null;
}

interface CampaignFilter extends ListPage {
  readonly advertiserId?: AdvertiserId | undefined;
}

/** The campaigns of a scope, by id. */
export function listCampaigns(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  filter: CampaignFilter = {},
): Promise<CampaignRow[]> {
  const { advertiserId } = filter;
  return db
    .select({
      id: campaigns.id,
      advertiserId: campaigns.advertiserId,
      name: campaigns.name,
      currency: advertisers.currency,
      dailyBudgetMicros: campaigns.dailyBudgetMicros,
      startsAt: campaigns.startsAt,
      endsAt: campaigns.endsAt,
      cpcMicros: currentRate(db),
    })
    .from(campaigns)
    .innerJoin(advertisers, eq(advertisers.id, campaigns.advertiserId))
    .where(
      and(
        tenantWhere(scope, campaigns.advertiserId),
        advertiserId === undefined ? undefined : eq(campaigns.advertiserId, advertiserId),
        afterId(campaigns.id, filter),
      ),
    )
    .orderBy(asc(campaigns.id))
    .limit(rowsMax(filter));
}

/** The rate in force now of the campaign of the outer row. */
function currentRate(db: Database) {
  const newest = db
    .select({ cpcMicros: rateCards.cpcMicros })
    .from(rateCards)
    .where(and(eq(rateCards.campaignId, campaigns.id), lte(rateCards.effectiveFrom, sql`now()`)))
    .orderBy(desc(rateCards.effectiveFrom))
    .limit(1);
  return sql<bigint | null>`(${newest})`.mapWith(rateCards.cpcMicros);
}

function afterId(column: AnyPgColumn, { afterId: id }: ListPage) {
  return id === undefined ? undefined : gt(column, id);
}

const rowsMax = ({ limit = LIST_ROWS_MAX }: ListPage) => Math.min(limit, LIST_ROWS_MAX);

/** Names by id, as far as the scope sees them. An ad's key is its campaign's id and its own. */
export interface Names {
  readonly campaigns: ReadonlyMap<string, string>;
  readonly ads: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

const campaignNamesOf = preparedOnce((db, kind: TenantKind) =>
  db
    .select({ id: campaigns.id, name: campaigns.name })
    .from(campaigns)
    .where(and(preparedTenantWhere(kind, campaigns.advertiserId), isAskedFor(campaigns.id)))
    .prepare(`campaign_names_${kind}`),
);

const adNamesOf = preparedOnce((db, kind: TenantKind) =>
  db
    .select({ campaignId: ads.campaignId, id: ads.id, name: ads.name })
    .from(ads)
    .innerJoin(campaigns, eq(campaigns.id, ads.campaignId))
    .where(and(preparedTenantWhere(kind, campaigns.advertiserId), isAskedFor(ads.id)))
    .prepare(`ad_names_${kind}`),
);

const isAskedFor = (id: AnyPgColumn) => sql`${id} = any(${sql.placeholder("ids")}::text[])`;

/** The names of campaigns and of the ads in them; ids outside of the scope have none. */
export async function namesOf(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  ids: { readonly campaignIds: readonly string[]; readonly adIds: readonly string[] },
): Promise<Names> {
  const kind = tenantKindOf(scope);
  const asked = (some: readonly string[]) => ({ ...tenantParams(scope), ids: [...some] });
  const [campaignRows, adRows] = await Promise.all([
    ids.campaignIds.length === 0 ? [] : campaignNamesOf(db, kind).execute(asked(ids.campaignIds)),
    ids.adIds.length === 0 ? [] : adNamesOf(db, kind).execute(asked(ids.adIds)),
  ]);
  const adNames = new Map<string, Map<string, string>>();
  for (const { campaignId, id, name } of adRows) {
    const byCampaign = adNames.get(id) ?? new Map<string, string>();
    adNames.set(id, byCampaign.set(campaignId, name));
  }
  return { campaigns: new Map(campaignRows.map(({ id, name }) => [id, name])), ads: adNames };
}
