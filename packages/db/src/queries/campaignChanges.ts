/** Which days a change of campaigns or rates touches. */
import type { InstantRange } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { and, eq, gte, inArray, isNotNull, sql } from "drizzle-orm";
import { z } from "zod";
import {
  campaignStatuses,
  campaigns,
  impressionRequirements,
  rateCards,
} from "../postgres/schema/campaigns.ts";
import { batchJobs } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { type TenantScope, tenantWhere } from "../tenant.ts";

/** Jobs of before the setting had dates pinned whether it was on, for all time. */
export const requirementsSchema = z.union([
  z.array(z.object({ effective_from_ms: z.number(), required: z.boolean() })),
  z.boolean().transform((required) => (required ? [{ effective_from_ms: 0, required }] : [])),
]);

/** Campaigns as a job pins them (`batch_jobs.inputs`). */
const historySchema = z.array(
  z.object({
    id: z.string(),
    starts_ms: z.number().nullable(),
    ends_ms: z.number().nullable(),
    rates: z.array(z.object({ effective_from_ms: z.number(), cpc_micros: z.string() })),
    statuses: z.array(z.object({ effective_from_ms: z.number(), active: z.boolean() })).default([]),
    requires_impression: requirementsSchema.default([]),
  }),
);
export type CampaignHistory = z.infer<typeof historySchema>;

export interface CampaignChange {
  /** Campaigns that are others, are new, or are gone. */
  readonly campaignIds: readonly string[];
  /** Whether one of them was there before and is now. */
  readonly isRepriced: boolean;
}

/**
 * How campaigns are others now, for the events of a day, than they were when a job pinned them; null
 * when they are not.
 *
 * @param campaignsHash Of what was pinned; null when nothing was noted.
 */
export type CampaignChanges = (
  advertiserId: AdvertiserId,
  campaignsHash: string | null,
  day: ComparedDay,
) => CampaignChange | null;

/** A day whose campaigns are compared. */
export interface ComparedDay extends InstantRange {
  /** A closed day keeps what it was judged by: whether clicks need an impression is not compared. */
  readonly isClosed: boolean;
}

/** Reads today's campaigns and every other history that a finished job of the scope pinned. */
export async function campaignChanges(
  { db }: { readonly db: Pick<Stores["db"], "select" | "selectDistinctOn"> },
  scope: TenantScope,
  sinceMs: number,
): Promise<CampaignChanges> {
  const now = await historiesNow({ db }, scope);
  const hashNow = new Map(now.map((row) => [row.advertiserId, row.hash]));
  const historyNow = new Map(now.map((row) => [row.advertiserId, row.history]));
  const { advertiserId, campaignsHash, state } = batchJobs;
  const pinned = await db
    .selectDistinctOn([advertiserId, campaignsHash], {
      advertiserId,
      campaignsHash,
      history: sql<unknown>`${batchJobs.inputs} -> 'campaigns'`,
    })
    .from(batchJobs)
    .where(
      and(
        tenantWhere(scope, advertiserId),
        gte(batchJobs.billingDay, new Date(sinceMs).toISOString().slice(0, 10)),
        inArray(state, ["published", "verified"]),
        isNotNull(campaignsHash),
        sql`${campaignsHash} <> all(${sql.param(now.map(({ hash }) => hash))})`,
      ),
    );
  const before = new Map(
    pinned.map((row) => [
      `${row.advertiserId}/${row.campaignsHash}`,
      historySchema.parse(row.history),
    ]),
  );
  return (advertiser, hash, day) => {
    if (hash === null || hash === (hashNow.get(advertiser) ?? EMPTY_HASH)) return null;
    const pinnedHistory = before.get(`${advertiser}/${hash}`);
    if (pinnedHistory === undefined) return null;
    return changedCampaigns(pinnedHistory, historyNow.get(advertiser) ?? [], day);
  };
}

/** `md5('[]')`: what a job pins of an advertiser without campaigns. */
const EMPTY_HASH = "d751713988987e9331980363e24189ce";

/**
 * The campaigns whose state or price is another for any instant of the day. A price that changes
 * tomorrow changes nothing of today.
 */
export function changedCampaigns(
  before: CampaignHistory,
  now: CampaignHistory,
  day: ComparedDay,
): CampaignChange | null {
  const [wereThen, areNow] = [before, now].map(
    (history) => new Map(history.map((campaign) => [campaign.id, inForce(campaign, day)])),
  );
  const ids = new Set([...before, ...now].map(({ id }) => id));
  const campaignIds = [...ids].filter((id) => wereThen?.get(id) !== areNow?.get(id)).sort();
  if (campaignIds.length === 0) return null;
  const isRepriced = campaignIds.some((id) => wereThen?.has(id) && areNow?.has(id));
  return { campaignIds, isRepriced };
}

/** What of a campaign the events of a day can see, as one text. */
function inForce(
  { starts_ms, ends_ms, rates, statuses, requires_impression }: CampaignHistory[number],
  { fromMs, toMs, isClosed }: ComparedDay,
): string {
  const clamp = (ms: number) => Math.min(Math.max(ms, fromMs), toMs);
  const inDay = <Entry extends { effective_from_ms: number }>(entries: readonly Entry[]) => {
    const ascending = entries.toSorted((a, b) => a.effective_from_ms - b.effective_from_ms);
    const first = ascending.findLastIndex((entry) => entry.effective_from_ms <= fromMs);
    return ascending
      .slice(Math.max(first, 0))
      .filter((entry) => entry.effective_from_ms < toMs)
      .map((entry) => ({ ...entry, effective_from_ms: clamp(entry.effective_from_ms) }));
  };
  return JSON.stringify([
    clamp(starts_ms ?? fromMs),
    clamp(ends_ms ?? toMs),
    inDay(rates).map((rate) => [rate.effective_from_ms, rate.cpc_micros]),
    inDay(statuses).map((status) => [status.effective_from_ms, status.active]),
    isClosed ? [] : neededSpans(requires_impression, { fromMs, toMs }),
  ]);
}

/** When impressions are needed in a range; a row that says what is so already changes nothing. */
function neededSpans(
  requirements: CampaignHistory[number]["requires_impression"],
  { fromMs, toMs }: InstantRange,
): [number, number][] {
  const ascending = requirements.toSorted((a, b) => a.effective_from_ms - b.effective_from_ms);
  const changes = ascending.filter(({ required }, at) => {
    return required !== (ascending[at - 1]?.required ?? false);
  });
  return changes.flatMap(({ effective_from_ms, required }, at): [number, number][] => {
    const startMs = Math.max(effective_from_ms, fromMs);
    const endMs = Math.min(changes[at + 1]?.effective_from_ms ?? toMs, toMs);
    return required && startMs < endMs ? [[startMs, endMs]] : [];
  });
}

async function historiesNow(
  { db }: { readonly db: Pick<Stores["db"], "select"> },
  scope: TenantScope,
) {
  const ms = (column: unknown) => sql`(extract(epoch from ${column}) * 1000)::bigint`;
  const rates = sql`coalesce((
    select jsonb_agg(jsonb_build_object(
      'effective_from_ms', ${ms(rateCards.effectiveFrom)},
      'cpc_micros', ${rateCards.cpcMicros}::text) order by ${rateCards.effectiveFrom})
    from ${rateCards} where ${eq(rateCards.campaignId, campaigns.id)}), '[]')`;
  const statuses = sql`coalesce((
    select jsonb_agg(jsonb_build_object(
      'effective_from_ms', ${ms(campaignStatuses.effectiveFrom)},
      'active', ${campaignStatuses.status} = 'active') order by ${campaignStatuses.effectiveFrom})
    from ${campaignStatuses} where ${eq(campaignStatuses.campaignId, campaigns.id)}), '[]')`;
  const requirements = sql`coalesce((
    select jsonb_agg(jsonb_build_object(
      'effective_from_ms', ${ms(impressionRequirements.effectiveFrom)},
      'required', ${impressionRequirements.required}) order by ${impressionRequirements.effectiveFrom})
    from ${impressionRequirements}
    where ${eq(impressionRequirements.campaignId, campaigns.id)}), '[]')`;
  const history = sql`jsonb_agg(jsonb_build_object(
    'id', ${campaigns.id}, 'starts_ms', ${ms(campaigns.startsAt)},
    'ends_ms', ${ms(campaigns.endsAt)}, 'rates', ${rates}, 'statuses', ${statuses},
    'requires_impression', ${requirements}) order by ${campaigns.id} collate "C")`;
  const rows = await db
    .select({
      advertiserId: campaigns.advertiserId,
      history: sql<unknown>`${history}`,
      hash: sql<string>`md5((${history})::text)`,
    })
    .from(campaigns)
    .where(tenantWhere(scope, campaigns.advertiserId))
    .groupBy(campaigns.advertiserId);
  return rows.map((row) => ({ ...row, history: historySchema.parse(row.history) }));
}
