/** What changed between two versions of a truth partition, and which of its inputs are others. */
import type { IsoDay } from "@trueclick/shared/calendar";
import type { AdvertiserId } from "@trueclick/shared/ids";
import { and, eq, inArray } from "drizzle-orm";
import { z } from "zod";
import { runTenantQuery } from "../clickhouse/tenantReader.ts";
import { batchJobObjects, batchJobs, truthVersions } from "../postgres/schema/truth.ts";
import type { Stores } from "../stores.ts";
import { TENANT_CONDITION, type TenantScope, tenantWhere } from "../tenant.ts";
import { namesOf } from "./advertisers.ts";
import { type HeldRows, heldBuilds, rowsOfVersion } from "./heldRows.ts";

export interface VersionsAsked {
  readonly advertiserId: AdvertiserId;
  readonly billingDay: IsoDay;
  readonly before: number;
  readonly after: number;
}

/** Events of one campaign, type and verdict that one version has more of than the other. */
export interface CountMoved {
  readonly campaign: string;
  /** Null for a campaign that is not known any more. */
  readonly campaignName: string | null;
  readonly eventType: string;
  readonly verdict: string;
  /** Positive where the later version has more. */
  readonly events: number;
  readonly costMicros: bigint;
}

/** One side of the comparison: which count it was, and why there was one. */
export interface ComparedVersion {
  readonly version: number;
  readonly jobId: number;
  readonly cause: string;
  readonly publishedAt: Date;
  /** Of the whole day. */
  readonly costMicros: bigint;
}

export interface VersionDiff {
  readonly before: ComparedVersion;
  readonly after: ComparedVersion;
  readonly currency: string;
  /** What the later version costs more than the earlier. */
  readonly costMicros: bigint;
  /** By campaign, type and verdict; without those that did not change. */
  readonly moved: readonly CountMoved[];
  /** What the later version was judged by that the earlier was not, and the other way round. */
  readonly added: InputNames;
  readonly removed: InputNames;
  /** Inputs that each version has one of, where the two are others. */
  readonly changed: readonly string[];
}

export interface InputNames {
  /** As `rule@version`. */
  readonly rules: readonly string[];
  /** By id. */
  readonly decisions: readonly number[];
  /** Campaigns with another history or other rates, by id; in both lists when it changed. */
  readonly campaigns: readonly string[];
  readonly objects: readonly string[];
}

/** What a job pins of these (`batch_jobs.inputs`); a job of an older code may lack some. */
const inputsSchema = z.looseObject({
  code_version: z.string().optional(),
  time_zone: z.string().optional(),
  tzdata: z.string().optional(),
  agent_libraries: z.string().optional(),
  datacenter_ranges_sha256: z.string().nullish(),
  rules: z
    .array(z.looseObject({ id: z.string(), version: z.number(), from_ms: z.number() }))
    .default([]),
  decisions: z.array(z.looseObject({ id: z.number() })).default([]),
  campaigns: z.array(z.looseObject({ id: z.string() })).default([]),
});
type Inputs = z.infer<typeof inputsSchema>;

const SINGLE_INPUTS = [
  "code_version",
  "time_zone",
  "tzdata",
  "agent_libraries",
  "datacenter_ranges_sha256",
] as const satisfies readonly (keyof Inputs)[];

/** Compares two versions; null if the scope does not hold both. */
export async function versionDiff(
  stores: Stores,
  scope: TenantScope,
  asked: VersionsAsked,
): Promise<VersionDiff | null> {
  const [before, after] = await Promise.all([
    readVersion(stores, scope, asked, asked.before),
    readVersion(stores, scope, asked, asked.after),
  ]);
  if (before === null || after === null) return null;
  const counts = await countsMoved(stores, scope, asked, [before.held, after.held]);
  const campaignIds = [...new Set(counts.map(({ campaign }) => campaign))];
  const names = await namesOf(stores, scope, { campaignIds, adIds: [] });
  return {
    before: before.told,
    after: after.told,
    currency: after.currency,
    costMicros: after.told.costMicros - before.told.costMicros,
    moved: counts.map((count) => {
      return { ...count, campaignName: names.campaigns.get(count.campaign) ?? null };
    }),
    added: namesMissingIn(before, after),
    removed: namesMissingIn(after, before),
    changed: SINGLE_INPUTS.filter((name) => before.inputs[name] !== after.inputs[name]),
  };
}

interface Version {
  readonly told: ComparedVersion;
  readonly held: HeldRows;
  readonly currency: string;
  readonly inputs: Inputs;
  /** Path and hash. */
  readonly objects: ReadonlyMap<string, string>;
}

async function readVersion(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  { advertiserId, billingDay }: VersionsAsked,
  version: number,
): Promise<Version | null> {
  const [row] = await db
    .select({ version: truthVersions, inputs: batchJobs.inputs })
    .from(truthVersions)
    .innerJoin(batchJobs, eq(batchJobs.id, truthVersions.jobId))
    .where(
      and(
        tenantWhere(scope, truthVersions.advertiserId),
        eq(truthVersions.advertiserId, advertiserId),
        eq(truthVersions.billingDay, billingDay),
        eq(truthVersions.version, version),
      ),
    );
  if (row === undefined) return null;
  const objects = await db
    .select({ path: batchJobObjects.path, sha256: batchJobObjects.sha256 })
    .from(batchJobObjects)
    .where(inArray(batchJobObjects.jobId, [row.version.jobId]));
  const { jobId, takenOver, cause, publishedAt, costMicros } = row.version;
  return {
    held: { buildId: Number(jobId), takenOver },
    told: { version, jobId: Number(jobId), cause, publishedAt, costMicros },
    currency: row.version.currency,
    inputs: inputsSchema.parse(row.inputs ?? {}),
    objects: new Map(objects.map(({ path, sha256 }) => [path, sha256])),
  };
}

/** What `to` was judged by and `from` was not, or not in this form. */
function namesMissingIn(from: Version, to: Version): InputNames {
  const rulesOf = ({ inputs }: Version) =>
    inputs.rules.map(({ id, version, from_ms }) => [`${id}@${version}`, from_ms] as const);
  const had = new Set(rulesOf(from).map(String));
  const texts = new Set(
    [...from.inputs.campaigns, ...from.inputs.decisions].map((one) => JSON.stringify(one)),
  );
  const isNew = (one: object) => !texts.has(JSON.stringify(one));
  return {
    rules: rulesOf(to).flatMap((rule) => (had.has(String(rule)) ? [] : [rule[0]])),
    decisions: to.inputs.decisions.filter(isNew).map(({ id }) => id),
    campaigns: to.inputs.campaigns.filter(isNew).map(({ id }) => id),
    objects: [...to.objects].flatMap(([path, sha256]) =>
      from.objects.get(path) === sha256 ? [] : [path],
    ),
  };
}

function countsMoved(
  { clickhouse }: Pick<Stores, "clickhouse">,
  scope: TenantScope,
  { advertiserId, billingDay }: VersionsAsked,
  [before, after]: readonly [HeldRows, HeldRows],
): Promise<Omit<CountMoved, "campaignName">[]> {
  return runTenantQuery(clickhouse, scope, {
    name: "versionDiff",
    params: {
      advertiser: advertiserId,
      day: billingDay,
      builds: heldBuilds([before, after]).map(({ buildId }) => buildId),
    },
    row: z.object({
      campaign: z.string(),
      eventType: z.string(),
      verdict: z.string(),
      events: z.coerce.number().int(),
      costMicros: z.coerce.bigint(),
    }),
    sql: `
      WITH toInt8(${rowsOfVersion("truth_cube", after)}) - toInt8(${rowsOfVersion("truth_cube", before)})
        AS sign -- 0 of hours that both have
      SELECT campaign_id AS campaign, toString(event_type) AS eventType,
        toString(cell.verdict) AS verdict,
        sum(sign * toInt64(cell.events)) AS events,
        sum(sign * cell.cost_micros) AS costMicros
      FROM truth_cube AS cell
      WHERE ${TENANT_CONDITION}
        AND advertiser_id = {advertiser: String} AND billing_day = {day: Date}
        AND build_id IN ({builds: Array(UInt64)}) AND sign != 0
      GROUP BY campaign, eventType, verdict
      HAVING events != 0 OR costMicros != 0
      ORDER BY campaign, eventType, verdict`,
  });
}
