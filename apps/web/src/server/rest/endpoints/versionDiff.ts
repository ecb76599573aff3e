import {
  type ComparedVersion,
  type InputNames,
  versionDiff,
} from "@trueclick/db/queries/versionDiff";
import { advertiserIdSchema } from "@trueclick/shared/ids";
import { z } from "zod";
import { jsonAnswer, notFound, toExactNumber, toIso } from "../answer.ts";
import { defineEndpoint } from "../endpoint.ts";
import { dayParam } from "../params.ts";
import { requireAdvertisers } from "../visible.ts";

/** Most archive objects that an answer lists of either side. */
const OBJECTS_LISTED_MAX = 1_000;

const versionSchema = z.object({
  version: z.int(),
  job: z.int(),
  cause: z.string(),
  published_at: z.string(),
  cost_micros: z.int(),
});

const inputsSchema = z.object({
  rules: z.array(z.string()).readonly().describe("As rule@version"),
  decisions: z.array(z.int()).readonly(),
  campaigns: z
    .array(z.string())
    .readonly()
    .describe("With another history or other rates; in both lists when it changed"),
  objects: z.array(z.string()).readonly(),
  objects_omitted: z.int(),
});

const answer = z.object({
  advertiser: z.string(),
  day: z.string(),
  before: versionSchema,
  after: versionSchema,
  currency: z.string(),
  cost_micros: z.int().describe("What the later version costs more"),
  moved: z.array(
    z.object({
      campaign: z.string(),
      campaign_name: z.string().nullable(),
      event_type: z.string(),
      verdict: z.string(),
      events: z.int().describe("Positive where the later version has more"),
      cost_micros: z.int(),
    }),
  ),
  added: inputsSchema,
  removed: inputsSchema,
  changed: z.array(z.string()).readonly().describe("Inputs of which each version has one"),
});

const versionParam = z.coerce.number().pipe(z.int32().positive());

export const versionDiffEndpoint = defineEndpoint({
  path: "/partitions/diff",
  summary: "What moved between two versions of a billing day, and which inputs are others",
  scope: "audit:read",
  params: z.object({
    advertiser_id: advertiserIdSchema,
    day: dayParam.describe("Billing day, YYYY-MM-DD"),
    before: versionParam.describe("The earlier version"),
    after: versionParam.describe("The later version"),
  }),
  answer,
  async handle(context, { advertiser_id: advertiserId, day, before, after }) {
    const scope = await requireAdvertisers(context, [advertiserId]);
    const asked = { advertiserId, billingDay: day, before, after };
    const diff = await versionDiff(context.stores, scope, asked);
    if (diff === null) throw notFound("version");
    return jsonAnswer(answer, {
      advertiser: advertiserId,
      day,
      before: toVersion(diff.before),
      after: toVersion(diff.after),
      currency: diff.currency,
      cost_micros: toExactNumber(diff.costMicros),
      moved: diff.moved.map((moved) => ({
        campaign: moved.campaign,
        campaign_name: moved.campaignName,
        event_type: moved.eventType,
        verdict: moved.verdict,
        events: moved.events,
        cost_micros: toExactNumber(moved.costMicros),
      })),
      added: toInputs(diff.added),
      removed: toInputs(diff.removed),
      changed: diff.changed,
    });
  },
});

const toVersion = (version: ComparedVersion): z.output<typeof versionSchema> => ({
  version: version.version,
  job: version.jobId,
  cause: version.cause,
  published_at: toIso(version.publishedAt),
  cost_micros: toExactNumber(version.costMicros),
});

const toInputs = ({ objects, ...names }: InputNames): z.output<typeof inputsSchema> => ({
  ...names,
  objects: objects.slice(0, OBJECTS_LISTED_MAX),
  objects_omitted: Math.max(objects.length - OBJECTS_LISTED_MAX, 0),
});
