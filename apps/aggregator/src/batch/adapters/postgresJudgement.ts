/** What truth judges by, read from the product's tables: rules, fraud decisions, campaigns. */
import type { Database } from "@trueclick/db/postgres/database";
import {
  campaignStatuses,
  campaigns,
  impressionRequirements,
  rateCards,
} from "@trueclick/db/postgres/schema/campaigns";
import { fraudDecisions, ruleVersions } from "@trueclick/db/postgres/schema/rules";
import type { InstantRange } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import {
  parseRuleParameters,
  type RuleInForce,
  rulesInForce,
} from "@trueclick/shared/verdict/rules";
import { and, asc, eq, exists, gt, isNull, lt, notExists, or } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import { type PinnedDecision, SCOPE_COLUMNS } from "../domain/decisions.ts";
import type { PinnedCampaign } from "../domain/inputs.ts";
import { RULES_MAX } from "../domain/rules.ts";
import { JobRefusedError } from "../ports/jobQueue.ts";

type Reader = Pick<Database, "select">;

/** Decisions on one day; they are part of the queries' text. Past it a person should block more broadly. */
const DECISIONS_MAX = 50_000;

/** The rules in force at events of a range. @throws {JobRefusedError} if there are too many. */
export async function readRules(tx: Reader, range: InstantRange): Promise<RuleInForce[]> {
  const rows = await tx
    .select()
    .from(ruleVersions)
    .orderBy(asc(ruleVersions.ruleId), asc(ruleVersions.version));
  const versions = rows.map(({ ruleId, version, enabled, parameters, effectiveFrom }) => ({
    id: ruleId,
    version,
    enabled,
    parameters: parseRuleParameters(ruleId, parameters),
    effectiveFromMs: effectiveFrom.getTime(),
  }));
  const rules = rulesInForce(versions, range);
  if (rules.length > RULES_MAX) {
    throw new JobRefusedError(`${rules.length} versions of rules in force on one day`);
  }
  return rules;
}

/** The decisions that may touch events of an advertiser in a range, by id. @throws {JobRefusedError} */
export async function readDecisions(
  tx: Reader,
  advertiserId: AdvertiserId,
  { fromMs, toMs }: InstantRange,
): Promise<PinnedDecision[]> {
  const revocations = alias(fraudDecisions, "revocations");
  const ofOwn = tx
    .select({ id: campaigns.id })
    .from(campaigns)
    .where(
      and(eq(campaigns.id, fraudDecisions.campaignId), eq(campaigns.advertiserId, advertiserId)),
    );
  const rows = await tx
    .select()
    .from(fraudDecisions)
    .where(
      and(
        lt(fraudDecisions.fromAt, new Date(toMs)),
        gt(fraudDecisions.toAt, new Date(fromMs)),
        or(isNull(fraudDecisions.advertiserId), eq(fraudDecisions.advertiserId, advertiserId)),
        or(isNull(fraudDecisions.campaignId), exists(ofOwn)),
        notExists(
          tx
            .select({ id: revocations.id })
            .from(revocations)
            .where(eq(revocations.revokes, fraudDecisions.id)),
        ),
      ),
    )
    .orderBy(asc(fraudDecisions.id))
    .limit(DECISIONS_MAX + 1);
  if (rows.length > DECISIONS_MAX) {
    throw new JobRefusedError(`more than ${DECISIONS_MAX} fraud decisions on one day`);
  }
  return rows.flatMap((row) => {
    const { id, fromAt, toAt } = row;
    if (fromAt === null || toAt === null) return [];
    const scope = Object.fromEntries(
      SCOPE_COLUMNS.flatMap((column) => {
        const value = scopeOf(row)[column];
        return value === null ? [] : [[column, value]];
      }),
    );
    return [{ id, scope, fromMs: fromAt.getTime(), toMs: toAt.getTime() }];
  });
}

function scopeOf(row: typeof fraudDecisions.$inferSelect) {
  return {
    campaign_id: row.campaignId,
    ad_id: row.adId,
    publisher_id: row.publisherId,
    user_id: row.userId,
    ip_net: row.ipNet,
    event_id: row.eventId,
  };
}

/** All campaigns of an advertiser with their history, by id. */
export async function readCampaigns(
  tx: Reader,
  advertiserId: AdvertiserId,
): Promise<PinnedCampaign[]> {
  const ofAdvertiser = eq(campaigns.advertiserId, advertiserId);
  const rows = await tx.select().from(campaigns).where(ofAdvertiser);
  const rates = await tx
    .select({
      campaignId: rateCards.campaignId,
      effectiveFrom: rateCards.effectiveFrom,
      cpcMicros: rateCards.cpcMicros,
    })
    .from(rateCards)
    .innerJoin(campaigns, eq(campaigns.id, rateCards.campaignId))
    .where(ofAdvertiser)
    .orderBy(asc(rateCards.effectiveFrom));
  const statuses = await tx
    .select({
      campaignId: campaignStatuses.campaignId,
      effectiveFrom: campaignStatuses.effectiveFrom,
      status: campaignStatuses.status,
    })
    .from(campaignStatuses)
    .innerJoin(campaigns, eq(campaigns.id, campaignStatuses.campaignId))
    .where(ofAdvertiser)
    .orderBy(asc(campaignStatuses.effectiveFrom));

  const requirements = await tx
    .select({
      campaignId: impressionRequirements.campaignId,
      effectiveFrom: impressionRequirements.effectiveFrom,
      required: impressionRequirements.required,
    })
    .from(impressionRequirements)
    .innerJoin(campaigns, eq(campaigns.id, impressionRequirements.campaignId))
    .where(ofAdvertiser)
    .orderBy(asc(impressionRequirements.effectiveFrom));

  const requirementsOf = Map.groupBy(requirements, ({ campaignId }) => campaignId);
  const ratesOf = Map.groupBy(rates, ({ campaignId }) => campaignId);
  const statusesOf = Map.groupBy(statuses, ({ campaignId }) => campaignId);
  // Sorted here: the order of Postgres depends on its collation, and with it the inputs' hash.
  return rows
    .map((row) => ({
      id: row.id,
      startsMs: row.startsAt?.getTime() ?? null,
      endsMs: row.endsAt?.getTime() ?? null,
      rates: (ratesOf.get(row.id) ?? []).map(({ effectiveFrom, cpcMicros }) => ({
        effectiveFromMs: effectiveFrom.getTime(),
        cpcMicros,
      })),
      statuses: (statusesOf.get(row.id) ?? []).map(({ effectiveFrom, status }) => ({
        effectiveFromMs: effectiveFrom.getTime(),
        active: status === "active",
      })),
      requirements: (requirementsOf.get(row.id) ?? []).map(({ effectiveFrom, required }) => ({
        effectiveFromMs: effectiveFrom.getTime(),
        required,
      })),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}
