/** Reads a file of campaigns, CSV or JSON, into rows of one shape. */
import { z } from "zod";
import { CliError } from "../terminal/errors.ts";
import { parseCsv, readTextFile } from "../terminal/readCsv.ts";
import {
  CAMPAIGN_COLUMNS,
  type CampaignColumn,
  type CampaignRow,
  OPTIONAL_COLUMNS,
} from "./domain/campaignPlan.ts";

const FILE_BYTES_MAX = 64 * 1_048_576;

/** @throws {CliError} `bad_file`, with the place, if it is not of the form it should be. */
export async function readCampaignFile(path: string): Promise<CampaignRow[]> {
  const text = await readTextFile(path, FILE_BYTES_MAX);
  const isJson = path.endsWith(".json") || /^\s*[[{]/.test(text);
  return isJson ? readJson(text) : readCsv(text);
}

const ALL_COLUMNS = [...CAMPAIGN_COLUMNS, ...OPTIONAL_COLUMNS] as const;

function readCsv(text: string): CampaignRow[] {
  const columns = { required: CAMPAIGN_COLUMNS, optional: OPTIONAL_COLUMNS };
  return parseCsv(text, columns).map(({ fields, line }) => toRow(`line ${line}`, fields, []));
}

const scalar = z.union([z.string(), z.number()]).transform(String);
const adSchema = z.object({ id: z.string(), name: z.string().default("") });
/** What a script writes for nothing is the empty field of a CSV. */
const nothing = z.null().transform(() => "");
const flatSchema = z.array(
  z.partialRecord(z.enum(ALL_COLUMNS), z.union([scalar, z.boolean(), nothing])),
);

const rateSchema = z.object({
  cpc_micros: scalar,
  effective_from: z.string(),
  requires_impression: z.boolean().nullish(),
});

/** The same as a tree. */
const treeSchema = z.object({
  advertisers: z.array(
    z.object({
      id: scalar,
      name: scalar,
      time_zone: z.string(),
      currency: z.string(),
      campaigns: z
        .array(
          z.object({
            id: scalar,
            name: scalar,
            daily_budget_micros: scalar.nullish(),
            requires_impression: z.boolean().nullish(),
            ads: z.array(adSchema).default([]),
            rates: z.array(rateSchema).min(1, "a campaign needs a rate"),
          }),
        )
        .min(1, "an advertiser needs a campaign"),
    }),
  ),
});
type Tree = z.infer<typeof treeSchema>;

/** Either rows with the names of the CSV's columns, or a tree; judged by the one that it looks like. */
function readJson(text: string): CampaignRow[] {
  const json = parseJson(text);
  if (!Array.isArray(json)) return treeRows(parseAs(treeSchema, json));
  return parseAs(flatSchema, json).map((fields, index) => toRow(`[${index}]`, fields, []));
}

function parseAs<Parsed>(schema: z.ZodType<Parsed>, json: unknown): Parsed {
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new CliError("bad_file", z.prettifyError(parsed.error));
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError("bad_file", `Not JSON: ${error instanceof Error ? error.message : error}`);
  }
}

function treeRows({ advertisers }: Tree): CampaignRow[] {
  return advertisers.flatMap((advertiser, a) =>
    advertiser.campaigns.flatMap((campaign, c) =>
      campaign.rates.map((rate, r) =>
        toRow(
          `advertisers[${a}].campaigns[${c}].rates[${r}]`,
          {
            advertiser_id: advertiser.id,
            advertiser_name: advertiser.name,
            time_zone: advertiser.time_zone,
            currency: advertiser.currency,
            campaign_id: campaign.id,
            campaign_name: campaign.name,
            cpc_micros: rate.cpc_micros,
            effective_from: rate.effective_from,
            daily_budget_micros: campaign.daily_budget_micros ?? "",
            requires_impression: rate.requires_impression ?? campaign.requires_impression ?? "",
          },
          campaign.ads,
        ),
      ),
    ),
  );
}

function toRow(
  where: string,
  fields: Readonly<Partial<Record<CampaignColumn, string | boolean>>>,
  ads: CampaignRow["ads"],
): CampaignRow {
  const of = (column: CampaignColumn) => String(fields[column] ?? "");
  return {
    where,
    ads,
    fields: {
      advertiser_id: of("advertiser_id"),
      advertiser_name: of("advertiser_name"),
      time_zone: of("time_zone"),
      currency: of("currency"),
      campaign_id: of("campaign_id"),
      campaign_name: of("campaign_name"),
      cpc_micros: of("cpc_micros"),
      effective_from: of("effective_from"),
      daily_budget_micros: of("daily_budget_micros"),
      requires_impression: of("requires_impression"),
    },
  };
}
