/** What a job wrote down of its inputs, read back: the other direction of `inputsJson`. */
import { STANDARD_WINDOW_DAYS, WINDOW_DAYS } from "@trueclick/shared/attribution";
import { hoursTouched } from "@trueclick/shared/calendar";
import { advertiserIdSchema, campaignIdSchema } from "@trueclick/shared/ids";
import { HOUR_MS } from "@trueclick/shared/time";
import { isRuleId, parseRuleParameters, type RuleInForce } from "@trueclick/shared/verdict/rules";
import { z } from "zod";
import type { PinnedAttribution } from "../domain/attribution.ts";
import type { PinnedDecision } from "../domain/decisions.ts";
import type { ObjectIdentity, PinnedCampaign, PinnedInputs } from "../domain/inputs.ts";
import { lookbackHours } from "../domain/unlinkedSql.ts";

/** Rules as a job pins them. */
export const recordedRulesSchema = z.array(
  z
    .object({
      id: z.string().refine(isRuleId),
      version: z.number(),
      parameters: z.unknown(),
      from_ms: z.number(),
      to_ms: z.number().nullable(),
    })
    .transform(({ id, version, parameters, from_ms, to_ms }): RuleInForce => {
      const times = { effectiveFromMs: from_ms, fromMs: from_ms, toMs: to_ms };
      const parsed = parseRuleParameters(id, parameters);
      return { id, version, enabled: true, parameters: parsed, ...times };
    }),
);

const word = z.string();

const decisionSchema = z
  .object({
    id: z.number(),
    scope: z.strictObject({
      campaign_id: word.optional(),
      ad_id: word.optional(),
      publisher_id: word.optional(),
      user_id: word.optional(),
      ip_net: word.optional(),
      event_id: word.optional(),
    }),
    from_ms: z.number(),
    to_ms: z.number(),
  })
  .transform(({ id, scope, from_ms, to_ms }): PinnedDecision => {
    const named = Object.entries(scope).filter(([, value]) => value !== undefined);
    return { id, scope: Object.fromEntries(named), fromMs: from_ms, toMs: to_ms };
  });

const campaignSchema = z
  .object({
    id: campaignIdSchema,
    starts_ms: z.number().nullable(),
    ends_ms: z.number().nullable(),
    rates: z.array(z.object({ effective_from_ms: z.number(), cpc_micros: z.string() })),
    statuses: z.array(z.object({ effective_from_ms: z.number(), active: z.boolean() })),
    requires_impression: z.array(
      z.object({ effective_from_ms: z.number(), required: z.boolean() }),
    ),
  })
  .transform(
    (row): PinnedCampaign => ({
      id: row.id,
      startsMs: row.starts_ms,
      endsMs: row.ends_ms,
      rates: row.rates.map(({ effective_from_ms, cpc_micros }) => ({
        effectiveFromMs: effective_from_ms,
        cpcMicros: BigInt(cpc_micros),
      })),
      statuses: row.statuses.map(({ effective_from_ms, active }) => {
        return { effectiveFromMs: effective_from_ms, active };
      }),
      requirements: row.requires_impression.map(({ effective_from_ms, required }) => {
        return { effectiveFromMs: effective_from_ms, required };
      }),
    }),
  );

const objectsSchema = z.array(z.object({ path: z.string(), sha256: z.string(), rows: z.number() }));

const attributionSchema = z
  .object({
    model: z.string(),
    standard_window_days: z.literal(STANDARD_WINDOW_DAYS),
    windows: z.array(
      z.object({ campaign_id: word, from_ms: z.number(), days: z.literal(WINDOW_DAYS) }),
    ),
    lookback: z.array(z.object({ billing_day: z.string(), judged_hash: z.string().nullable() })),
  })
  .transform(({ model, windows, lookback }): PinnedAttribution => {
    const byCampaign = Map.groupBy(windows, ({ campaign_id }) => campaign_id);
    return {
      model,
      windows: [...byCampaign].map(([campaignId, rows]) => ({
        campaignId,
        inForce: rows.map(({ from_ms, days }) => ({ fromMs: from_ms, days })),
      })),
      lookback: lookback.map(({ billing_day, judged_hash }) => {
        return { billingDay: billing_day, judgedHash: judged_hash };
      }),
    };
  });

const recordedSchema = z
  .object({
    advertiser_id: advertiserIdSchema,
    billing_day: z.string(),
    currency: z.string(),
    time_zone: z.string(),
    tzdata: z.string(),
    from_ms: z.number(),
    to_ms: z.number(),
    code_version: z.string(),
    rules: recordedRulesSchema,
    decisions: z.array(decisionSchema),
    agent_libraries: z.string(),
    datacenter_ranges_sha256: z.string().nullable(),
    campaigns: z.array(campaignSchema),
    copies: objectsSchema,
    preceding: objectsSchema.default([]),
    attribution: attributionSchema.nullable().default(null),
  })
  .transform(({ copies, preceding, attribution, ...row }) => {
    const bounds = { fromMs: row.from_ms, toMs: row.to_ms };
    const followingMs = (hoursTouched(bounds).at(-1) ?? bounds.toMs) + HOUR_MS;
    // As `read` of the inputs has it.
    const lookedAt = { fromMs: bounds.fromMs, toMs: followingMs + HOUR_MS };
    return {
      judgedBy: {
        advertiserId: row.advertiser_id,
        billingDay: row.billing_day,
        currency: row.currency,
        timeZone: row.time_zone,
        tzdata: row.tzdata,
        bounds,
        codeVersion: row.code_version,
        rules: row.rules,
        decisions: row.decisions,
        agentLibraries: row.agent_libraries,
        datacenterRangesSha256: row.datacenter_ranges_sha256,
        campaigns: row.campaigns,
        precedingHours: lookbackHours(row.rules, row.campaigns, lookedAt),
      },
      followingMs,
      copies,
      preceding,
      attribution,
    };
  });

/** Recorded inputs, but that their objects are names. */
export interface RecordedInputs {
  readonly judgedBy: Omit<
    PinnedInputs,
    "objects" | "following" | "copies" | "preceding" | "attribution"
  >;
  /** Start of the hour after the day, epoch milliseconds. */
  readonly followingMs: number;
  /** From the log; what they were compacted into is not written down. */
  readonly copies: readonly ObjectIdentity[];
  readonly preceding: readonly ObjectIdentity[];
  /** What its conversions were credited by; null of a day without, and of one of before there were credits. */
  readonly attribution: PinnedAttribution | null;
}

/** Null of what this program does not know how to read. */
export function parseRecordedInputs(inputs: unknown): RecordedInputs | null {
  try {
    return recordedSchema.parse(inputs);
  } catch (error) {
    // Parameters of a rule are parsed within, and throw the same.
    if (error instanceof z.ZodError) return null;
    throw error;
  }
}
