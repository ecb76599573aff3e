import { listAdvertisers, listCampaigns } from "@trueclick/db/queries/advertisers";
import { FINALITIES } from "@trueclick/db/queries/finality";
import { listTruthPartitions } from "@trueclick/db/queries/truth";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { z } from "zod";
import { jsonAnswer, toExactNumber, toIso, toIsoOrNull } from "../answer.ts";
import { listOf, pageParams, parseCursor, toPage } from "../cursor.ts";
import { defineEndpoint } from "../endpoint.ts";
import { advertiserParam, dayOrInstantParam, dayParam } from "../params.ts";
import { requireAdvertisers } from "../visible.ts";

const idKey = z.string().min(1);

const advertisersAnswer = listOf(
  z.object({
    id: z.string(),
    name: z.string(),
    time_zone: z.string(),
    currency: z.string(),
    settling_hours: z.int(),
  }),
);

export const advertisersEndpoint = defineEndpoint({
  path: "/advertisers",
  summary: "The advertisers that the caller sees",
  scope: "report:read",
  params: z.object(pageParams),
  answer: advertisersAnswer,
  async handle({ stores, caller }, { limit, cursor }) {
    const afterId = parseCursor(cursor, idKey);
    const rows = await listAdvertisers(stores, caller.tenant, { afterId, limit: limit + 1 });
    const page = toPage(rows, limit, (row) => row.id);
    return jsonAnswer(advertisersAnswer, {
      ...page,
      rows: page.rows.map(({ id, name, timeZone, currency, settlingHours }) => {
        return { id, name, time_zone: timeZone, currency, settling_hours: settlingHours };
      }),
    });
  },
});

const campaignsAnswer = listOf(
  z.object({
    id: z.string(),
    name: z.string(),
    advertiser: z.string(),
    currency: z.string(),
    cpc_micros: z.int().nullable(),
    daily_budget_micros: z.int().nullable(),
    starts_at: z.string().nullable(),
    ends_at: z.string().nullable(),
  }),
);

export const campaignsEndpoint = defineEndpoint({
  path: "/campaigns",
  summary: "Campaigns with the rate in force now",
  scope: "report:read",
  params: z.object({ ...pageParams, advertiser_id: advertiserParam.optional() }),
  answer: campaignsAnswer,
  async handle(context, { limit, cursor, advertiser_id: advertiserId }) {
    const scope = await requireAdvertisers(context, advertiserId && [advertiserId]);
    const afterId = parseCursor(cursor, idKey);
    const rows = await listCampaigns(context.stores, scope, { afterId, limit: limit + 1 });
    const page = toPage(rows, limit, (row) => row.id);
    return jsonAnswer(campaignsAnswer, {
      ...page,
      rows: page.rows.map((row) => ({
        id: row.id,
        name: row.name,
        advertiser: row.advertiserId,
        currency: row.currency,
        cpc_micros: row.cpcMicros === null ? null : toExactNumber(row.cpcMicros),
        daily_budget_micros:
          row.dailyBudgetMicros === null ? null : toExactNumber(row.dailyBudgetMicros),
        starts_at: toIsoOrNull(row.startsAt),
        ends_at: toIsoOrNull(row.endsAt),
      })),
    });
  },
});

const partitionsAnswer = listOf(
  z.object({
    advertiser: z.string(),
    day: z.string(),
    version: z.int(),
    current: z.boolean(),
    finality: z.enum(FINALITIES),
    final_at: z.string().describe("When the billing day closes"),
    job: z.int(),
    inputs_hash: z.string(),
    content_hash: z.string(),
    verdict_counts: z.record(z.string(), z.int()),
    cost_micros: z.int(),
    currency: z.string(),
    cause: z.string(),
    published_at: z.string(),
  }),
);

const versionKey = z.object({
  billingDay: dayParam,
  advertiserId: advertiserIdSchema,
  version: z.int32(),
});

export const partitionsEndpoint = defineEndpoint({
  path: "/partitions",
  summary: "Versions of billing truth, newest day first",
  scope: "audit:read",
  params: z.object({
    ...pageParams,
    advertiser_id: advertiserParam.optional(),
    from: dayOrInstantParam
      .optional()
      .describe("First billing day, YYYY-MM-DD; or an instant, whose day is the first"),
    to: dayOrInstantParam
      .optional()
      .describe("Last billing day, YYYY-MM-DD, inclusive; or an instant, exclusive"),
  }),
  answer: partitionsAnswer,
  async handle(context, { limit, cursor, advertiser_id: advertiserId, from, to }) {
    const scope = await requireAdvertisers(context, advertiserId && [advertiserId]);
    const after = parseCursor(cursor, versionKey);
    const range = {
      ...(typeof from === "number" ? { fromMs: from } : { fromDay: from }),
      ...(typeof to === "number" ? { toMs: to } : { toDay: to }),
    };
    const filter = { ...range, after, limit: limit + 1 };
    const rows = await listTruthPartitions(context.stores, scope, filter, context.nowMs);
    const page = toPage(rows, limit, (row) => ({
      billingDay: row.billingDay,
      advertiserId: row.advertiserId,
      version: row.version,
    }));
    return jsonAnswer(partitionsAnswer, {
      ...page,
      rows: page.rows.map((row) => ({
        advertiser: row.advertiserId,
        day: row.billingDay,
        version: row.version,
        current: row.current,
        finality: row.finality,
        final_at: toIso(row.finalAt),
        job: row.jobId,
        inputs_hash: row.inputsHash,
        content_hash: row.contentHash,
        verdict_counts: { ...row.verdictCounts },
        cost_micros: toExactNumber(row.costMicros),
        currency: row.currency,
        cause: row.cause,
        published_at: toIso(row.publishedAt),
      })),
    });
  },
});
