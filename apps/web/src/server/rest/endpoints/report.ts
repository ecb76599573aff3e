import { FINALITIES, type Finality } from "@trueclick/db/queries/finality";
import { GRANULARITIES } from "@trueclick/db/routing/buckets";
import { reportText } from "@trueclick/db/routing/report";
import {
  DIMENSIONS,
  type Dimension,
  FILTER_VALUES_MAX,
  REPORT_DAYS_MAX,
  REPORT_ROWS_MAX,
  type ReportQuery,
  type ReportText,
} from "@trueclick/db/routing/reportQuery";
import { STORES } from "@trueclick/db/routing/route";
import { narrowScope, type TenantScope } from "@trueclick/db/tenant";
import { dayBounds, dayOf } from "@trueclick/shared/calendar";
import { advertiserIdSchema, campaignIdSchema, ENTITY_ID_LENGTH_MAX } from "@trueclick/shared/ids";
import { z } from "zod";
import { csvAnswer, jsonTextAnswer } from "../answer.ts";
import { requireScope } from "../caller.ts";
import { toCsv } from "../csv.ts";
import { defineEndpoint } from "../endpoint.ts";
import { instantParam, timeZoneParam } from "../params.ts";
import { requireAdvertisers, requireCampaigns } from "../visible.ts";

const isDimension = (word: string): word is Dimension => DIMENSIONS.some((known) => known === word);

const dimensionsParam = z
  .string()
  .transform((list, context) => {
    const words = list.split(",").filter((word) => word !== "");
    const known = words.filter(isDimension);
    if (known.length < words.length) {
      context.addIssue(`must be a comma-separated list of ${DIMENSIONS.join(", ")}`);
    }
    return [...new Set(known)];
  })
  .describe(`Comma-separated, of ${DIMENSIONS.join(", ")}`);

const valuesParam = z
  .array(z.string().min(1).max(ENTITY_ID_LENGTH_MAX))
  .max(FILTER_VALUES_MAX)
  .optional();

const params = z.object({
  mode: z.enum(["dashboard", "billing"]).default("dashboard"),
  from: instantParam.describe("Inclusive, ISO 8601 with a zone"),
  to: instantParam.describe(`Exclusive, at most ${REPORT_DAYS_MAX} days after from`),
  granularity: z.enum(GRANULARITIES).default("total"),
  dimensions: dimensionsParam.default([]),
  tz: timeZoneParam.default("UTC").describe("Whose calendar days the granularity day means"),
  as_of: instantParam
    .optional()
    .describe("Billing numbers as they were published at this instant; mode=billing only"),
  format: z.enum(["json", "csv"]).default("json"),
  advertiser_id: z.array(advertiserIdSchema).max(FILTER_VALUES_MAX).optional(),
  campaign_id: z.array(campaignIdSchema).max(FILTER_VALUES_MAX).optional(),
  ad_id: valuesParam,
  publisher_id: valuesParam,
  geo: valuesParam,
  device: valuesParam,
});

const rowSchema = z.object({
  time: z.string().optional(),
  advertiser: z.string().optional(),
  advertiser_name: z.string().nullable().optional(),
  campaign: z.string().optional(),
  campaign_name: z.string().nullable().optional(),
  ad: z.string().optional(),
  ad_name: z.string().nullable().optional(),
  geo: z.string().optional(),
  device: z.string().optional(),
  publisher: z.string().optional(),
  clicks: z.int(),
  gross_clicks: z.int(),
  net_clicks: z.int().nullable(),
  invalid_clicks: z.int(),
  duplicate_clicks: z.int(),
  impressions: z.int(),
  conversions: z.int(),
  unique_users: z.int().nullable(),
  cost_micros: z.int(),
  currency: z.string(),
  // Last: scripts know the columns of the CSV before these by their place.
  invalid_rate: z.number().nullable(),
  attributed_conversions: z
    .int()
    .nullable()
    .describe("Conversions due to a valid click, by that click's dimensions; null in the estimate"),
  attributed_value_micros: z.int().nullable(),
});

const versionSchema = z.object({ advertiser: z.string(), day: z.string(), version: z.int() });

const answer = z.object({
  rows: z.array(rowSchema).readonly(),
  meta: z.object({
    mode: z.enum(["dashboard", "billing"]),
    store: z.enum(STORES),
    reason: z.string(),
    as_of: z.string(),
    watermark: z.string().nullable(),
    finality: z.enum(FINALITIES),
    final_at: z.string().nullable().describe("When the last billing day of the range closes"),
    final_on: z.string().nullable().describe("The day of that in the account's time zone"),
    traffic: z.object({
      gross_clicks: z.int(),
      net_clicks: z.int().nullable(),
      total_net_clicks: z.int(),
      invalid_rate: z.number().nullable(),
      decision_rate: z.number().nullable(),
    }),
    versions: z.array(versionSchema).readonly().optional(),
    versions_omitted: z.int().optional(),
    degraded: z.boolean(),
  }),
});

const CSV_COLUMNS = rowSchema.keyof().options;

export const reportEndpoint = defineEndpoint({
  path: "/report",
  summary: `Clicks, invalid traffic, users and cost; at most ${REPORT_ROWS_MAX} rows`,
  scope: "report:read",
  csv: "also",
  params,
  answer,
  async handle(context, asked) {
    if (asked.mode === "billing") requireScope(context.caller, "billing:read", false);
    // What is named and not there is refused; until that is known, its answer is nobody's.
    const { stores, caller, nowMs } = context;
    const [report, ...checks] = await Promise.allSettled([
      reportText(stores, toQuery(caller.tenant, asked), nowMs),
      requireAdvertisers(context, asked.advertiser_id),
      requireCampaigns(context, asked.campaign_id),
    ]);
    for (const check of checks) if (check.status === "rejected") throw check.reason;
    if (report.status === "rejected") throw report.reason;
    const { rowsJson, meta, finalityIn } = report.value;
    if (asked.format === "json") return jsonTextAnswer(answer, { rows: rowsJson, meta });
    const rows = answer.shape.rows.parse(JSON.parse(rowsJson));
    // Columns that no row has were not asked for; without a row, the fixed ones remain.
    const columns = CSV_COLUMNS.filter(
      (column) =>
        rows.some((row) => column in row) || !rowSchema.shape[column].safeParse(undefined).success,
    );
    const { decision_rate } = meta.traffic;
    const finalityOf = finalityOfRows(asked, meta.finality, finalityIn);
    const told = rows.map((row) => ({ ...row, decision_rate, finality: finalityOf(row.time) }));
    return csvAnswer("report.csv", toCsv([...columns, "decision_rate", "finality"], told));
  },
});

/**
 * How final a row is, by its bucket's calendar day; an hour or minute is as final as the day that it is in.
 */
function finalityOfRows(
  { from, to, tz }: Pick<z.output<typeof params>, "from" | "to" | "tz">,
  ofAll: Finality,
  finalityIn: ReportText["finalityIn"],
): (time: string | undefined) => Finality {
  const ofDay = new Map<string, Finality>();
  return (time) => {
    if (time === undefined) return ofAll;
    const day = dayOf(Date.parse(time), tz);
    const bounds = dayBounds(day, tz);
    const range = { fromMs: Math.max(bounds.fromMs, from), toMs: Math.min(bounds.toMs, to) };
    const finality = ofDay.get(day) ?? finalityIn(range);
    ofDay.set(day, finality);
    return finality;
  };
}

/** The report that a caller asks for: of its own advertisers, or of those among them that it names. */
function toQuery(tenant: TenantScope, asked: z.output<typeof params>): ReportQuery {
  return {
    scope:
      asked.advertiser_id === undefined
        ? tenant
        : narrowScope(tenant, [...new Set(asked.advertiser_id)]),
    mode: asked.mode,
    fromMs: asked.from,
    toMs: asked.to,
    granularity: asked.granularity,
    dimensions: asked.dimensions,
    timeZone: asked.tz,
    asOfMs: asked.as_of,
    filters: {
      campaign: asked.campaign_id,
      ad: asked.ad_id,
      geo: asked.geo,
      device: asked.device,
      publisher: asked.publisher_id,
    },
  };
}
