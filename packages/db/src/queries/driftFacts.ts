/** What drift must know of Postgres before it reads rows, in one statement: one snapshot and one round trip. */
import type { InstantRange } from "@trueclick/shared/calendar";
import { advertiserIdSchema, type CampaignId } from "@trueclick/shared/ids";
import { and, asc, eq, type SQL, sql } from "drizzle-orm";
import { z } from "zod";
import type { Database } from "../postgres/database.ts";
import { jsonRowsOf } from "../postgres/jsonRows.ts";
import { preparedOnce } from "../postgres/prepared.ts";
import { archiveCheckpoints } from "../postgres/schema/archive.ts";
import { campaigns } from "../postgres/schema/campaigns.ts";
import { streamCheckpoints } from "../postgres/schema/stream.ts";
import type { Stores } from "../stores.ts";
import { preparedTenantWhere, type TenantScope, tenantParams } from "../tenant.ts";
import { parsedOnce } from "./parsedOnce.ts";
import { offsetsOf, type PipelineOffsets } from "./pipelineOffsets.ts";
import { lastBackfillSql } from "./recountedHours.ts";
import {
  type HotHoursState,
  hotHoursParams,
  hotHoursSchema,
  hotHoursSql,
  rolledThroughSql,
} from "./streamState.ts";
import {
  pointerParams,
  pointerRowsSchema,
  preparedPointers,
  type TruthPointer,
  toPointers,
} from "./truthPointers.ts";

export interface DriftFacts {
  readonly pins: readonly TruthPointer[];
  readonly offsets: PipelineOffsets;
  readonly rolledThroughMs: number | null;
  readonly hotHours: HotHoursState;
  /** The last backfill that had ended; 0: none had. */
  readonly lastBackfill: number;
  /** Campaigns of the scope that became known after the range began, by id. */
  readonly newCampaigns: readonly NewCampaign[];
  /** The name of the campaign that was asked for, if the scope sees it. */
  readonly campaignNames: ReadonlyMap<string, string>;
}

type NewCampaign = z.infer<typeof newCampaignSchema>;
type Kind = `${TenantScope["kind"]}_${"campaign" | "any"}`;

const newCampaignSchema = z.object({ id: z.string(), advertiserId: advertiserIdSchema });

export async function driftFacts(
  { db }: Pick<Stores, "db">,
  scope: TenantScope,
  range: InstantRange & { readonly campaignId?: CampaignId | undefined },
): Promise<DriftFacts> {
  const { campaignId } = range;
  const kind = campaignId === undefined ? "any" : "campaign";
  const [row] = await statementOf(db, `${scope.kind}_${kind}`).execute({
    ...tenantParams(scope),
    ...pointerParams(range, null),
    ...hotHoursParams(range),
    since: new Date(range.fromMs).toISOString(),
    ...(campaignId === undefined ? {} : { campaignId }),
  });
  if (row === undefined) throw new RangeError("a statement of constants has no row");
  const { rolledThroughMs } = row;
  return {
    pins: toPointers(pointerRowsOf(row.pins), range),
    offsets: offsetsOf(
      streamSchema.parse(JSON.parse(row.stream)),
      archiveSchema.parse(JSON.parse(row.archive)),
      rolledThroughMs,
    ),
    rolledThroughMs,
    hotHours: hotHoursSchema.parse(JSON.parse(row.hotHours)),
    lastBackfill: row.lastBackfill,
    newCampaigns: newCampaignsSchema.parse(JSON.parse(row.newCampaigns)),
    campaignNames: new Map(
      namedSchema.parse(JSON.parse(row.campaigns)).map(({ id, name }) => [id, name]),
    ),
  };
}

const pointerRowsOf = parsedOnce(pointerRowsSchema);
const newCampaignsSchema = z.array(newCampaignSchema);
const namedSchema = z.array(z.object({ id: z.string(), name: z.string() }));
const place = { partition: z.number(), nextOffset: z.coerce.bigint() };
const streamSchema = z.array(z.object({ ...place, watermarkMs: z.number().nullable() }));
const archiveSchema = z.array(z.object(place));

const statementOf = preparedOnce((db, kind: Kind) => {
  const [who, asks] = kind.split("_");
  const tenant = who === "all" ? "all" : "advertisers";
  return db
    .select({
      pins: jsonRowsOf(preparedPointers(db, tenant, "current")),
      stream: jsonRowsOf(selectStream(db)),
      archive: jsonRowsOf(db.select(offsetColumns(archiveCheckpoints)).from(archiveCheckpoints)),
      rolledThroughMs: sql<number | null>`(${rolledThroughSql()})::float8`,
      hotHours: sql<string>`(${hotHoursSql()})::text`,
      lastBackfill: sql<number>`(${lastBackfillSql()})::float8`,
      newCampaigns: jsonRowsOf(selectNewCampaigns(db, tenant)),
      campaigns: asks === "campaign" ? jsonRowsOf(selectNamed(db, tenant)) : NO_ROWS,
    })
    .from(sql`(values (1)) as one (row)`)
    .prepare(`drift_facts_${kind}`);
});

const NO_ROWS: SQL<string> = sql<string>`'[]'`;

const offsetColumns = (table: typeof archiveCheckpoints | typeof streamCheckpoints) => ({
  partition: table.partition,
  nextOffset: sql`${table.nextOffset}::text`.as("nextOffset"),
});

function selectStream(db: Database) {
  return db
    .select({
      ...offsetColumns(streamCheckpoints),
      watermarkMs: sql`${streamCheckpoints.watermarkMs}`.as("watermarkMs"),
    })
    .from(streamCheckpoints);
}

/** In one order, since what is asked for is what is remembered. */
function selectNewCampaigns(db: Database, tenant: TenantScope["kind"]) {
  const { id, advertiserId, createdAt } = campaigns;
  return db
    .select({ id, advertiserId: sql`${advertiserId}`.as("advertiserId") })
    .from(campaigns)
    .where(
      and(
        preparedTenantWhere(tenant, advertiserId),
        sql`${createdAt} >= ${sql.placeholder("since")}::timestamptz`,
      ),
    )
    .orderBy(asc(id));
}

function selectNamed(db: Database, tenant: TenantScope["kind"]) {
  const { id, advertiserId, name } = campaigns;
  return db
    .select({ id, name })
    .from(campaigns)
    .where(
      and(preparedTenantWhere(tenant, advertiserId), eq(id, sql`${sql.placeholder("campaignId")}`)),
    );
}
