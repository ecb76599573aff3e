/** Writes an import: all of it, or nothing. */
import type { Database } from "@trueclick/db/postgres/database";
import { advertisers } from "@trueclick/db/postgres/schema/advertisers";
import {
  ads,
  campaigns,
  impressionRequirements,
  rateCards,
} from "@trueclick/db/postgres/schema/campaigns";
import {
  adIdSchema,
  advertiserIdSchema,
  type CampaignId,
  campaignIdSchema,
} from "@trueclick/shared/ids";
import { inArray, sql } from "drizzle-orm";
import { type CampaignPlan, entryKey, type ImportIssue } from "./domain/campaignPlan.ts";

/** Any fixed number: two imports at once would each check what the other is about to change. */
const IMPORT_LOCK = 7_281_101;
/** Rows of one statement: Postgres takes 65,535 parameters. */
const CHUNK_ROWS = 5_000;

export interface ImportCounts {
  readonly advertisers: number;
  readonly campaigns: number;
  readonly ads: number;
  /** Rates that were not there before. */
  readonly newRates: number;
}

export type ImportOutcome =
  | { readonly kind: "done"; readonly counts: ImportCounts }
  | { readonly kind: "refused"; readonly issues: readonly ImportIssue[] };

type Transaction = Parameters<Parameters<Database["transaction"]>[0]>[0];

/**
 * Brings advertisers and campaigns to what the plan says. Names and budgets change; what is counted
 * and billed by (advertiser, zone, currency, a rate or a need of impressions once given) does not, and
 * an import that would change it is refused. The same import again changes nothing.
 */
export async function applyPlan(db: Database, plan: CampaignPlan): Promise<ImportOutcome> {
  return db.transaction(async (transaction): Promise<ImportOutcome> => {
    await transaction.execute(sql`select pg_advisory_xact_lock(${IMPORT_LOCK})`);
    const issues = [
      ...(await advertiserConflicts(transaction, plan)),
      ...(await campaignConflicts(transaction, plan)),
      ...(await rateConflicts(transaction, plan)),
      ...(await requirementConflicts(transaction, plan)),
    ];
    if (issues.length > 0) return { kind: "refused", issues };
    return { kind: "done", counts: await write(transaction, plan) };
  });
}

async function advertiserConflicts(
  db: Transaction,
  { advertisers: planned }: CampaignPlan,
): Promise<ImportIssue[]> {
  const ids = [...planned.keys()].map((id) => advertiserIdSchema.parse(id));
  const rows = await inChunks(ids, (some) =>
    db.select().from(advertisers).where(inArray(advertisers.id, some)),
  );
  return rows.flatMap((row) => {
    const wanted = planned.get(row.id);
    if (wanted === undefined) return [];
    const issues: ImportIssue[] = [];
    const refuse = (column: "time_zone" | "currency", there: string) =>
      issues.push({
        where: wanted.where,
        column,
        message: `is ${there} for ${row.id} and cannot change: its days are counted by it`,
      });
    if (wanted.timeZone !== row.timeZone) refuse("time_zone", row.timeZone);
    if (wanted.currency !== row.currency) refuse("currency", row.currency);
    return issues;
  });
}

async function campaignConflicts(
  db: Transaction,
  { campaigns: planned }: CampaignPlan,
): Promise<ImportIssue[]> {
  const rows = await inChunks(campaignIds(planned.keys()), (some) =>
    db.select().from(campaigns).where(inArray(campaigns.id, some)),
  );
  return rows.flatMap((row) => {
    const wanted = planned.get(row.id);
    if (wanted === undefined || wanted.advertiserId === row.advertiserId) return [];
    const message = `${row.id} belongs to another advertiser and cannot change hands`;
    return [{ where: wanted.where, column: "campaign_id" as const, message }];
  });
}

async function rateConflicts(db: Transaction, { campaigns: planned, rates }: CampaignPlan) {
  const rows = await inChunks(campaignIds(planned.keys()), (some) =>
    db.select().from(rateCards).where(inArray(rateCards.campaignId, some)),
  );
  return rows.flatMap((row): ImportIssue[] => {
    const wanted = rates.get(entryKeyOf(row));
    if (wanted === undefined || wanted.cpcMicros === row.cpcMicros) return [];
    const message = `is ${row.cpcMicros} from then on already; a new rate needs a time of its own`;
    return [{ where: wanted.where, column: "cpc_micros", message }];
  });
}

async function requirementConflicts(
  db: Transaction,
  { campaigns: planned, requirements }: CampaignPlan,
) {
  const rows = await inChunks(campaignIds(planned.keys()), (some) =>
    db
      .select()
      .from(impressionRequirements)
      .where(inArray(impressionRequirements.campaignId, some)),
  );
  return rows.flatMap((row): ImportIssue[] => {
    const wanted = requirements.get(entryKeyOf(row));
    if (wanted === undefined || wanted.required === row.required) return [];
    const message = `is ${row.required} from then on already; another word needs a time of its own`;
    return [{ where: wanted.where, column: "requires_impression", message }];
  });
}

function entryKeyOf(row: { readonly campaignId: string; readonly effectiveFrom: Date }): string {
  return entryKey({ campaignId: row.campaignId, effectiveFromMs: row.effectiveFrom.getTime() });
}

async function write(db: Transaction, plan: CampaignPlan): Promise<ImportCounts> {
  const advertiserRows = [...plan.advertisers.values()].map(({ id, name, timeZone, currency }) => ({
    id: advertiserIdSchema.parse(id),
    ...{ name, timeZone, currency },
  }));
  await inChunks(advertiserRows, (some) =>
    db
      .insert(advertisers)
      .values(some)
      .onConflictDoUpdate({ target: advertisers.id, set: { name: sql`excluded.name` } })
      .returning({ id: advertisers.id }),
  );
  const campaignRows = [...plan.campaigns.values()].map((campaign) => ({
    id: campaignIdSchema.parse(campaign.id),
    advertiserId: advertiserIdSchema.parse(campaign.advertiserId),
    name: campaign.name,
    dailyBudgetMicros: campaign.dailyBudgetMicros,
  }));
  await inChunks(campaignRows, (some) =>
    db
      .insert(campaigns)
      .values(some)
      .onConflictDoUpdate({
        target: campaigns.id,
        set: {
          name: sql`excluded.name`,
          dailyBudgetMicros: sql`excluded.daily_budget_micros`,
        },
      })
      .returning({ id: campaigns.id }),
  );
  await writeRequirements(db, plan);
  await writeAds(db, plan);
  const newRates = await writeRates(db, plan);
  return {
    advertisers: advertiserRows.length,
    campaigns: campaignRows.length,
    ads: plan.ads.size,
    newRates,
  };
}

/** A campaign of which the file says nothing stays as it is. */
async function writeRequirements(db: Transaction, plan: CampaignPlan): Promise<void> {
  const rows = [...plan.requirements.values()].map(({ campaignId, effectiveFromMs, required }) => ({
    campaignId: campaignIdSchema.parse(campaignId),
    effectiveFrom: new Date(effectiveFromMs),
    required,
  }));
  await inChunks(rows, (some) =>
    db
      .insert(impressionRequirements)
      .values(some)
      .onConflictDoNothing()
      .returning({ campaignId: impressionRequirements.campaignId }),
  );
}

async function writeAds(db: Transaction, plan: CampaignPlan): Promise<void> {
  const rows = [...plan.ads.values()].map(({ campaignId, id, name }) => ({
    campaignId: campaignIdSchema.parse(campaignId),
    id: adIdSchema.parse(id),
    name: name === "" ? id : name,
  }));
  await inChunks(rows, (some) =>
    db
      .insert(ads)
      .values(some)
      .onConflictDoUpdate({
        target: [ads.campaignId, ads.id],
        set: { name: sql`excluded.name` },
      })
      .returning({ id: ads.id }),
  );
}

async function writeRates(db: Transaction, plan: CampaignPlan): Promise<number> {
  const rows = [...plan.rates.values()].map(({ campaignId, effectiveFromMs, cpcMicros }) => ({
    campaignId: campaignIdSchema.parse(campaignId),
    effectiveFrom: new Date(effectiveFromMs),
    cpcMicros,
  }));
  const inserted = await inChunks(rows, (some) =>
    db
      .insert(rateCards)
      .values(some)
      .onConflictDoNothing()
      .returning({ campaignId: rateCards.campaignId }),
  );
  return inserted.length;
}

function campaignIds(ids: Iterable<string>): CampaignId[] {
  return [...ids].map((id) => campaignIdSchema.parse(id));
}

async function inChunks<Item, Row>(
  items: readonly Item[],
  work: (some: Item[]) => Promise<Row[]>,
): Promise<Row[]> {
  const rows: Row[] = [];
  for (let from = 0; from < items.length; from += CHUNK_ROWS) {
    rows.push(...(await work(items.slice(from, from + CHUNK_ROWS))));
  }
  return rows;
}
