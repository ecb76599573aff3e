import { JOB_STATES, JOB_STEPS } from "@trueclick/db/postgres/schema/truth";
import { driftByCampaignHour } from "@trueclick/db/queries/drift";
import { type TracedCopy, traceEvent } from "@trueclick/db/queries/trace";
import { getJob } from "@trueclick/db/queries/truth";
import { eventIdSchema } from "@trueclick/shared/ids";
import { DAY_MS } from "@trueclick/shared/time";
import { z } from "zod";
import {
  badParameter,
  jsonAnswer,
  notFound,
  toExactNumber,
  toIso,
  toIsoOrNull,
} from "../answer.ts";
import { defineEndpoint } from "../endpoint.ts";
import { campaignParam, instantParam } from "../params.ts";
import { requireCampaigns } from "../visible.ts";

const DRIFT_DAYS_MAX = 32;

const driftAnswer = z.object({
  rows: z.array(
    z.object({
      advertiser: z.string(),
      campaign: z.string(),
      campaign_name: z.string().nullable(),
      hour: z.string(),
      stream: z.int(),
      truth: z.int(),
      causes: z.record(z.string(), z.int()),
      unexplained: z.int(),
    }),
  ),
  meta: z.object({ from: z.string(), to: z.string() }),
});

export const driftEndpoint = defineEndpoint({
  path: "/drift",
  summary: "Why stream and truth differ: stream - truth = sum of causes + unexplained",
  scope: "drift:read",
  params: z.object({
    from: instantParam.describe("Inclusive, ISO 8601 with a zone"),
    to: instantParam.describe(`Exclusive, at most ${DRIFT_DAYS_MAX} days after from`),
    campaign_id: campaignParam.optional(),
  }),
  answer: driftAnswer,
  async handle(context, { from, to, campaign_id: campaignId }) {
    if (from >= to) throw badParameter("to", "must be later than from");
    if (to - from > DRIFT_DAYS_MAX * DAY_MS) {
      throw badParameter("from", `must be at most ${DRIFT_DAYS_MAX} days before to`);
    }
    const { stores, caller, nowMs } = context;
    const range = { fromMs: from, toMs: to, campaignId };
    const drift = await driftByCampaignHour(stores, caller.tenant, range, nowMs);
    if (!drift.knowsCampaign) await requireCampaigns(context, campaignId && [campaignId]);
    return jsonAnswer(driftAnswer, {
      rows: drift.rows.map((row) => ({
        advertiser: row.advertiserId,
        campaign: row.campaignId,
        campaign_name: row.campaignName,
        hour: new Date(row.hourMs).toISOString(),
        stream: row.stream,
        truth: row.truth,
        causes: { ...row.causes },
        unexplained: row.unexplained,
      })),
      meta: {
        from: new Date(drift.fromMs).toISOString(),
        to: new Date(drift.toMs).toISOString(),
      },
    });
  },
});

const batchVerdictSchema = z.object({
  day: z.string(),
  version: z.int(),
  current: z.boolean(),
  job: z.int(),
  published_at: z.string(),
  verdict: z.string(),
  credit: z
    .object({
      click_event_id: z.string().nullable(),
      not_credited: z.string().nullable(),
      window_days: z.int(),
      value_micros: z.int(),
    })
    .nullable()
    .describe("Of a valid conversion: the click that it was credited to, or why to none"),
});

const billedSchema = z.object({
  advertiser: z.string(),
  day: z.string(),
  version: z.int(),
  campaign: z.string(),
  clicks: z.int(),
  cost_micros: z.int(),
  currency: z.string(),
});

const copySchema = z.object({
  coordinates: z.string(),
  event_type: z.string(),
  event_time: z.string(),
  advertiser: z.string().nullable(),
  campaign: z.string(),
  campaign_name: z.string().nullable(),
  object: z.object({ path: z.string(), sha256: z.string(), row: z.int() }).nullable(),
  stream_verdict: z.string(),
  batch_verdicts: z.array(batchVerdictSchema),
  billed: billedSchema.nullable(),
});

const traceAnswer = z.object({
  event_id: z.string(),
  copies: z.array(copySchema),
  cut: z.boolean(),
});

export const eventEndpoint = defineEndpoint({
  path: "/events/{event_id}",
  summary: "Everything that happened to an event: every stored copy",
  scope: "audit:read",
  params: z.object({ event_id: eventIdSchema }),
  answer: traceAnswer,
  async handle({ stores, caller }, { event_id: eventId }) {
    const trace = await traceEvent(stores, caller.tenant, eventId);
    if (trace === null) throw notFound("event");
    return jsonAnswer(traceAnswer, {
      event_id: trace.eventId,
      copies: trace.copies.map(toCopy),
      cut: trace.cut,
    });
  },
});

function toCopy(copy: TracedCopy): z.output<typeof copySchema> {
  const { billed } = copy;
  return {
    coordinates: copy.coordinates,
    event_type: copy.eventType,
    event_time: new Date(copy.eventTimeMs).toISOString(),
    advertiser: copy.advertiserId,
    campaign: copy.campaignId,
    campaign_name: copy.campaignName,
    object: copy.object,
    stream_verdict: copy.streamVerdict,
    batch_verdicts: copy.batchVerdicts.map((verdict) => ({
      day: verdict.billingDay,
      version: verdict.version,
      current: verdict.current,
      job: verdict.jobId,
      published_at: toIso(verdict.publishedAt),
      verdict: verdict.verdict,
      credit: verdict.credit && {
        click_event_id: verdict.credit.clickEventId,
        not_credited: verdict.credit.notCredited,
        window_days: verdict.credit.windowDays,
        value_micros: toExactNumber(verdict.credit.valueMicros),
      },
    })),
    billed: billed && {
      advertiser: billed.advertiserId,
      day: billed.billingDay,
      version: billed.version,
      campaign: billed.campaignId,
      clicks: toExactNumber(billed.clicks),
      cost_micros: toExactNumber(billed.costMicros),
      currency: billed.currency,
    },
  };
}

const jobAnswer = z.object({
  id: z.int(),
  advertiser: z.string(),
  day: z.string(),
  state: z.enum(JOB_STATES),
  version: z.int().nullable(),
  reason: z.string(),
  requested_by: z.string(),
  attempts: z.int(),
  step: z.enum(JOB_STEPS).nullable().describe("What it is at, or was at when it ended"),
  slices_done: z.int().nullable(),
  slices_total: z.int().nullable(),
  code_version: z.string().nullable(),
  inputs_hash: z.string().nullable(),
  content_hash: z.string().nullable(),
  inputs: z.unknown().describe("Pinned zone, bounds, campaigns, rates and rules"),
  objects: z.array(z.object({ path: z.string(), sha256: z.string(), rows: z.int() })),
  objects_omitted: z.int(),
  timings: z.record(z.string(), z.number()).nullable().describe("Milliseconds by step"),
  error: z.string().nullable(),
  created_at: z.string(),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
});

/** Ids of jobs are of Postgres' `bigserial`; a script's number that is none names no job. */
const jobIdParam = z.coerce.number().int().positive();

export const jobEndpoint = defineEndpoint({
  path: "/jobs/{id}",
  summary: "One recount of a billing day: its inputs with hashes, rules and timings",
  scope: "audit:read",
  params: z.object({ id: jobIdParam }),
  answer: jobAnswer,
  async handle({ stores, caller }, { id }) {
    const job = await getJob(stores, caller.tenant, id);
    if (job === null) throw notFound("job");
    return jsonAnswer(jobAnswer, {
      id: job.id,
      advertiser: job.advertiserId,
      day: job.billingDay,
      state: job.state,
      version: job.version,
      reason: job.reason,
      requested_by: job.requestedBy,
      attempts: job.attempts,
      step: job.step,
      slices_done: job.slicesDone,
      slices_total: job.slicesTotal,
      code_version: job.codeVersion,
      inputs_hash: job.inputsHash,
      content_hash: job.contentHash,
      inputs: job.inputs,
      objects: job.objects.map((object) => ({ ...object, rows: toExactNumber(object.rows) })),
      objects_omitted: job.objectsOmitted,
      timings: job.timings,
      error: job.error,
      created_at: toIso(job.createdAt),
      started_at: toIsoOrNull(job.startedAt),
      finished_at: toIsoOrNull(job.finishedAt),
    });
  },
});
